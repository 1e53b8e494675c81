-- Locks nothing. An application that the caller may see. $1 id, $2 organization, $3 the one that the key may see, or null
SELECT a.application FROM webhooks.application a
WHERE a.id = $1 AND a.organization = $2 AND a.application = coalesce($3::bigint, a.application)
