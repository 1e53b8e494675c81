-- Locks the task: a step that is under way commits first. $1 id, $2 organization, $3 the application that the key may see, or null, $4 the endpoint that the key may see, or null
UPDATE webhooks.task t SET status = 'cancelled', ended_at = clock_timestamp()
FROM webhooks.application a
WHERE t.id = $1 AND t.ended_at IS NULL AND a.application = t.application AND a.organization = $2 AND t.application = coalesce($3::bigint, t.application)
  AND ($4::bigint IS NULL OR t.endpoint = $4)
