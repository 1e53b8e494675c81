-- Locks the application's row. What is null stays. $1 id, $2 organization, $3 the one that the key may see, or null, $4 name, $5 suspended, $6 whether there is a quota in $7
UPDATE webhooks.application a
SET name = coalesce($4, a.name),
    suspended_at = CASE WHEN $5::boolean IS NULL THEN a.suspended_at WHEN $5::boolean THEN coalesce(a.suspended_at, now()) END,
    daily_quota = CASE WHEN $6::boolean THEN $7::bigint ELSE a.daily_quota END
WHERE a.id = $1 AND a.organization = $2 AND a.application = coalesce($3::bigint, a.application)
RETURNING a.id, a.name, a.suspended_at IS NOT NULL, a.daily_quota, a.created_at
