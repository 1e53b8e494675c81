-- Locks nothing but the row it adds. $1 organization, $2 key's id, $3 action, $4 target, $5 request id, $6 details
INSERT INTO webhooks.audit (organization, api_key, action, target, request_id, details) VALUES ($1, $2, $3, $4, $5, $6::jsonb)
