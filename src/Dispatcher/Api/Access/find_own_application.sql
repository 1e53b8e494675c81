-- Locks nothing. The application of an endpoint that the caller was seen to be allowed. $1 application
SELECT a.id, a.application, a.bucket, a.suspended_at IS NOT NULL, a.daily_quota FROM webhooks.application a WHERE a.application = $1
