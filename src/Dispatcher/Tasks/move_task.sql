-- Locks nothing that the caller does not hold. $1 task, $2 where the next step begins, $3 how much was done by this one, $4 when the next may begin, from now, $5 whether that was all
UPDATE webhooks.task
SET status = CASE WHEN $5 THEN 'done' ELSE 'running' END, position = $2, done = done + $3, due_at = clock_timestamp() + $4::interval, ended_at = CASE WHEN $5 THEN clock_timestamp() END
WHERE task = $1
