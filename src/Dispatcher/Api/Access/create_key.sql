-- Locks nothing but the row it adds, and shares those it refers to. Adds none when the application or the endpoint is not there, or not whose it must be.
-- $1 id, $2 organization, $3 application or null, $4 endpoint or null, $5 name, $6 prefix, $7 hash, $8 scopes, $9 requests a minute or null, $10 when it ends or null
INSERT INTO webhooks.api_key (id, organization, application, endpoint, name, prefix, hash, scopes, requests_per_minute, expires_at)
SELECT $1, $2, a.application, e.endpoint, $5, $6, $7, $8, $9::int, $10::timestamptz
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (SELECT application FROM webhooks.application WHERE id = $3::text AND organization = $2) a ON true
LEFT JOIN LATERAL (SELECT endpoint FROM webhooks.endpoint WHERE id = $4::text AND application = a.application AND deleted_at IS NULL) e ON true
WHERE ($3::text IS NULL) = (a.application IS NULL) AND ($4::text IS NULL) = (e.endpoint IS NULL)
