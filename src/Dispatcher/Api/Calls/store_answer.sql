-- Locks nothing that the caller does not hold since it claimed the row. $1 organization, $2 idempotency key, $3 status, $4 body
UPDATE webhooks.api_answer SET status = $3, body = $4 WHERE organization = $1 AND idempotency_key = $2
