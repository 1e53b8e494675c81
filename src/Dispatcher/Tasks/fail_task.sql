-- Locks nothing that the caller does not hold. $1 task, $2 why
UPDATE webhooks.task SET status = 'failed', error = $2, ended_at = clock_timestamp() WHERE task = $1
