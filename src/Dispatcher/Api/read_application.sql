-- Locks nothing. $1 id, $2 organization, $3 the one that the key may see, or null
SELECT a.id, a.name, a.suspended_at IS NOT NULL, a.daily_quota, a.created_at
FROM webhooks.application a
WHERE a.id = $1 AND a.organization = $2 AND a.application = coalesce($3::bigint, a.application)
