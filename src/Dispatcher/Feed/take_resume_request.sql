-- Locks nothing but the row it adds: each id is taken once. Ids older than any tolerance for timestamps are forgotten. $1 endpoint, $2 id
WITH forgotten AS (
    DELETE FROM webhooks.resume_request WHERE endpoint = $1 AND at < now() - interval '1 day'
)
INSERT INTO webhooks.resume_request (endpoint, id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING endpoint
