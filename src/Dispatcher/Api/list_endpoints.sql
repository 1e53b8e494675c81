-- Locks nothing. $1 application, $2 the endpoint that the key may see, or null, $3 status or null for any, $4 older than this, $5 how many
SELECT e.endpoint FROM webhooks.endpoint e JOIN webhooks.delivery_state s ON s.endpoint = e.endpoint
WHERE e.application = $1 AND e.endpoint < $4 AND e.deleted_at IS NULL AND e.endpoint = coalesce($2::bigint, e.endpoint) AND s.status = coalesce($3::text, s.status)
ORDER BY e.endpoint DESC LIMIT $5
