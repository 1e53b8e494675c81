-- Locks nothing that the caller does not hold since it claimed the row. $1 organization, $2 application or 0, $3 endpoint or 0, $4 idempotency key, $5 status, $6 body
UPDATE webhooks.api_answer SET status = $5, body = $6 WHERE organization = $1 AND application = $2 AND endpoint = $3 AND idempotency_key = $4
