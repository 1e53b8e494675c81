-- Locks nothing. $1 organization, $2 and $3 application and endpoint of the key that asks, or null, $4 id
SELECT k.id, k.name, k.prefix, k.scopes, a.id, e.id, k.requests_per_minute, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, k.api_key
FROM webhooks.api_key k LEFT JOIN webhooks.application a ON a.application = k.application LEFT JOIN webhooks.endpoint e ON e.endpoint = k.endpoint
WHERE k.id = $4 AND k.organization = $1 AND ($2::bigint IS NULL OR k.application = $2) AND ($3::bigint IS NULL OR k.endpoint = $3)
