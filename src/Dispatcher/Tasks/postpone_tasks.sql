-- Locks those that are due and that nobody is working on. After trouble, so that one that cannot be done keeps the others waiting no longer. $1 for how long
UPDATE webhooks.task SET due_at = clock_timestamp() + $1::interval
WHERE task IN (SELECT task FROM webhooks.task WHERE ended_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
