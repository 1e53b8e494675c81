-- Locks nothing. $1 application, $2 the endpoint that the key may see, or null, $3 older than this, $4 how many
SELECT t.task, t.id, t.kind, a.id, e.id, t.first, t.last, t.reason, t.status, t.done, t.total, t.error, t.created_at, t.ended_at
FROM webhooks.task t JOIN webhooks.application a ON a.application = t.application LEFT JOIN webhooks.endpoint e ON e.endpoint = t.endpoint
WHERE t.application = $1 AND t.task < $3 AND ($2::bigint IS NULL OR t.endpoint = $2)
ORDER BY t.task DESC LIMIT $4
