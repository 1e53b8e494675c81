-- Locks the endpoint's delivery state, which the caller holds already, and adds a row for each event that is not sent beside the stream already.
-- $1 endpoint, $2 bucket, $3 first seq, $4 last seq
WITH asked AS (
    INSERT INTO webhooks.deferred (bucket, endpoint, seq, attempts, due_at, replay)
    SELECT bucket, endpoint, seq, 0, clock_timestamp(), true FROM webhooks.delivery
    WHERE bucket = $2 AND endpoint = $1 AND seq BETWEEN $3 AND $4
    ON CONFLICT DO NOTHING
    RETURNING seq
), due AS (
    UPDATE webhooks.delivery_state SET due_at = now(), resting = false
    WHERE endpoint = $1 AND status = 'active' AND lease_owner IS NULL AND (due_at IS NULL OR resting)
)
SELECT count(*) FROM asked
