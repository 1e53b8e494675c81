-- Locks nothing. $1 organization, $2 the one that the key may see, or null, $3 older than this, $4 how many
SELECT a.id, a.name, a.suspended_at IS NOT NULL, a.daily_quota, a.created_at, a.application
FROM webhooks.application a
WHERE a.organization = $1 AND a.application < $3 AND a.application = coalesce($2::bigint, a.application)
ORDER BY a.application DESC LIMIT $4
