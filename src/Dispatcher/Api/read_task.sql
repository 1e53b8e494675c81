-- Locks nothing. $1 id, $2 organization, $3 the application that the key may see, or null, $4 the endpoint that the key may see, or null
SELECT t.task, t.id, t.kind, a.id, e.id, t.first, t.last, t.reason, t.status, t.done, t.total, t.error, t.created_at, t.ended_at
FROM webhooks.task t JOIN webhooks.application a ON a.application = t.application LEFT JOIN webhooks.endpoint e ON e.endpoint = t.endpoint
WHERE t.id = $1 AND a.organization = $2 AND t.application = coalesce($3::bigint, t.application) AND ($4::bigint IS NULL OR t.endpoint = $4)
