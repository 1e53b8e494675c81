-- Locks one event that is retried beside the stream; the caller holds the endpoint's delivery state. $1 bucket, $2 endpoint, $3 seq
DELETE FROM webhooks.deferred WHERE bucket = $1 AND endpoint = $2 AND seq = $3 RETURNING seq
