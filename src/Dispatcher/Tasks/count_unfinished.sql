-- Locks nothing; the caller holds the application's row. $1 application
SELECT count(*) FROM webhooks.task WHERE application = $1 AND ended_at IS NULL
