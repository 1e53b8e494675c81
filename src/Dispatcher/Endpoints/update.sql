-- Locks the endpoint's row until the commit, so that the markers of two changes stand in the order of their commits; then its delivery
-- state, in that order, as everybody does who takes both.
-- $1 endpoint id, $2 url, $3 event types, $4 description, $5 failure threshold, $6 receiver access,
-- $7 ordering, $8 max in flight, $9 rate limit, $10 .. $12 batch: events, wait, bytes,
-- $13 whether the headers become $14 with the names $15
WITH before AS (
    SELECT endpoint, url FROM webhooks.endpoint WHERE id = $1 AND deleted_at IS NULL FOR UPDATE
), updated AS (
    UPDATE webhooks.endpoint e
    SET url = $2, event_types = $3, description = $4, failure_threshold = $5::int, receiver_access = $6,
        ordering = $7, max_in_flight = $8::int, rate_limit = $9::int,
        batch_max_events = $10::int, batch_max_wait = $11::interval, batch_max_bytes = $12::int,
        headers = CASE WHEN $13::boolean THEN $14::bytea ELSE e.headers END, header_names = CASE WHEN $13::boolean THEN $15::text[] ELSE e.header_names END
    FROM before WHERE e.endpoint = before.endpoint
    RETURNING e.endpoint, e.application, e.bucket, e.event_types, before.url <> e.url AS moved
), state AS (
    -- A new URL starts without the failures of the old one, and need not wait for them; the version keeps an attempt
    -- at the old one, still under way, from counting against the new.
    UPDATE webhooks.delivery_state s
    SET consecutive_failures = 0, attempts = 0, throttled_since = NULL, counted_until = NULL, resting = false, version = s.version + 1,
        due_at = CASE WHEN s.due_at IS NOT NULL THEN now() END
    FROM updated WHERE updated.moved AND s.endpoint = updated.endpoint
), audit AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor) SELECT 'endpoint.updated', endpoint, 'operator' FROM updated
), marker AS (
    INSERT INTO webhooks.endpoint_change (bucket, position, endpoint, application, event_types)
    SELECT bucket, webhooks.next_position(bucket), endpoint, application, event_types FROM updated
)
SELECT endpoint, bucket FROM updated
