-- Locks nothing. An endpoint that the caller may see, deleted or not. $1 id, $2 organization, $3 the application that the key may see, or null, $4 the endpoint, or null
SELECT e.endpoint, e.application, e.deleted_at IS NOT NULL, e.bucket
FROM webhooks.endpoint e JOIN webhooks.application a ON a.application = e.application
WHERE e.id = $1 AND a.organization = $2 AND e.application = coalesce($3::bigint, e.application) AND e.endpoint = coalesce($4::bigint, e.endpoint)
