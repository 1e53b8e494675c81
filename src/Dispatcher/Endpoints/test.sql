-- Locks nothing but the rows it adds, and the sequence of the bucket for the moment of drawing from it. An event for one endpoint alone takes its place in the order like any
-- other; the
-- row beside it, committed with it, tells the sequencer. No row for an endpoint that is not there or was deleted. One that is deleted before the event is numbered has no stream to
-- take it any more: then it is unmatched.
-- $1 endpoint id, $2 event id, $3 type, $4 data, $5 API key or null
WITH target AS (
    SELECT endpoint, application, bucket FROM webhooks.endpoint WHERE id = $1 AND deleted_at IS NULL
), published AS (
    INSERT INTO webhooks.event (bucket, position, application, id, type, data, api_key)
    SELECT bucket, webhooks.next_position(bucket), application, $2, $3, $4, $5::bigint FROM target
    RETURNING bucket, position
), marked AS (
    INSERT INTO webhooks.event_target (bucket, position, endpoint) SELECT p.bucket, p.position, t.endpoint FROM published p CROSS JOIN target t
)
SELECT t.endpoint, p.bucket FROM published p CROSS JOIN target t
