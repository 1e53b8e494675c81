-- Locks nothing. $1 organization, $2 idempotency key
SELECT request_hash, status, body FROM webhooks.api_answer WHERE organization = $1 AND idempotency_key = $2
