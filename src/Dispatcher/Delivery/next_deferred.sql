-- Locks nothing. When the first event of an endpoint is due beside its stream that is not due yet. $1 bucket, $2 endpoint
SELECT due_at FROM webhooks.deferred WHERE bucket = $1 AND endpoint = $2 AND due_at > now() ORDER BY due_at LIMIT 1
