-- Locks nothing but the row it adds, and shares its organization's. $1 id, $2 bucket, $3 name, $4 organization, $5 suspended, $6 daily quota
INSERT INTO webhooks.application AS a (id, bucket, name, organization, suspended_at, daily_quota)
VALUES ($1, $2, $3, $4, CASE WHEN $5::boolean THEN now() END, $6::bigint)
RETURNING a.id, a.name, a.suspended_at IS NOT NULL, a.daily_quota, a.created_at
