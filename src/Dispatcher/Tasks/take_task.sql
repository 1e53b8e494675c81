-- Locks the task until the step has committed; SKIP LOCKED keeps two processes from doing the same step.
SELECT t.task, t.kind, t.application, e.id, t.endpoint, e.bucket, t.first, t.last, t.reason, t.position, t.created_at
FROM webhooks.task t LEFT JOIN webhooks.endpoint e ON e.endpoint = t.endpoint
WHERE t.ended_at IS NULL AND t.due_at <= now()
ORDER BY t.due_at LIMIT 1 FOR UPDATE OF t SKIP LOCKED
