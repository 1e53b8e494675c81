-- Locks nothing. $1 organization, $2 application or 0, $3 endpoint or 0, $4 idempotency key
SELECT request_hash, status, body FROM webhooks.api_answer WHERE organization = $1 AND application = $2 AND endpoint = $3 AND idempotency_key = $4
