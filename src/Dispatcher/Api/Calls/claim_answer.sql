-- Locks the key's row, which a twin of this request waits for until this one has ended. A row of yesterday's counts as none.
-- $1 organization, $2 idempotency key, $3 hash of the request, $4 how long answers are kept. Gives a row when the request is new.
INSERT INTO webhooks.api_answer AS a (organization, idempotency_key, request_hash) VALUES ($1, $2, $3)
ON CONFLICT (organization, idempotency_key) DO UPDATE SET request_hash = $3, status = 0, body = '', at = clock_timestamp()
WHERE a.at < clock_timestamp() - $4::interval
RETURNING 1
