-- Locks the endpoint's delivery state, which the caller holds already, and adds a row for each event that is not sent beside the stream already.
-- What the cursor has not passed is sent with the stream: sent beside it, it would come before its turn.
-- The version keeps somebody who is handing the endpoint back at this moment from doing so without having seen these rows.
-- $1 endpoint, $2 bucket, $3 first seq, $4 last seq, $5 cursor
WITH asked AS (
    INSERT INTO webhooks.deferred (bucket, endpoint, seq, attempts, due_at, replay)
    SELECT $2, $1, seq, 0, clock_timestamp(), true FROM webhooks.numbers($2, $1, $3, least($4::bigint, $5::bigint), 0)
    ON CONFLICT DO NOTHING
    RETURNING seq
), due AS (
    UPDATE webhooks.delivery_state
    SET version = version + 1,
        due_at = CASE WHEN status = 'active' AND lease_owner IS NULL AND (due_at IS NULL OR resting) THEN now() ELSE due_at END,
        resting = resting AND (status <> 'active' OR lease_owner IS NOT NULL)
    WHERE endpoint = $1
)
SELECT count(*) FROM asked
