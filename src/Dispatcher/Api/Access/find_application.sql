-- Locks nothing. $1 id, $2 organization, $3 the one application that the key may see, or null, $4 the one endpoint, or null: events are not an endpoint's
SELECT a.application, a.bucket, a.suspended_at IS NOT NULL, a.daily_quota
FROM webhooks.application a
WHERE a.id = $1 AND a.organization = $2 AND a.application = coalesce($3::bigint, a.application) AND $4::bigint IS NULL
