-- Locks nothing. The ids of what a key is bound to. $1 application, $2 endpoint or null
SELECT a.id, (SELECT e.id FROM webhooks.endpoint e WHERE e.endpoint = $2::bigint)
FROM webhooks.application a WHERE a.application = $1
