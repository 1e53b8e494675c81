-- Locks nothing but the row it adds. Evidence of a failed attempt from which nothing follows yet: a smaller one is tried.
-- $1 endpoint, $2 owner, $3 lease epoch, $4 seq, $5 number, $6 started at, $7 duration in ms, $8 outcome, $9 status code, $10 detail
INSERT INTO webhooks.attempt (bucket, endpoint, seq, number, started_at, duration_ms, outcome, status_code, detail)
SELECT bucket, endpoint, $4, $5, $6, $7, $8, $9::int, $10 FROM webhooks.delivery_state
WHERE endpoint = $1 AND (lease_owner = $2) IS TRUE AND lease_epoch = $3
