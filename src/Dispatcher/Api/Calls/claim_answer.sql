-- Locks the key's row, which a twin of this request waits for until this one has ended. A row of yesterday's counts as none.
-- $1 organization, $2 application or 0, $3 endpoint or 0, $4 idempotency key, $5 hash of the request, $6 how long answers are kept. Gives a row when the request is new.
INSERT INTO webhooks.api_answer AS a (organization, application, endpoint, idempotency_key, request_hash) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (organization, application, endpoint, idempotency_key) DO UPDATE SET request_hash = $5, status = 0, body = '', at = clock_timestamp()
WHERE a.at < clock_timestamp() - $6::interval
RETURNING 1
