-- Locks nothing; the caller holds the application's row. $1 application, $2 url, $3 the endpoint that is to get it, or null
SELECT e.id FROM webhooks.endpoint e
WHERE e.application = $1 AND hashtextextended(e.url, 0) = hashtextextended($2::text, 0) AND e.url = $2 AND e.deleted_at IS NULL AND e.endpoint IS DISTINCT FROM $3::bigint
LIMIT 1
