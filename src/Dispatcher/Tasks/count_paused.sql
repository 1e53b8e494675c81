-- Locks nothing. $1 application, $2 reason or null for any
SELECT count(*) FROM webhooks.endpoint e JOIN webhooks.delivery_state s ON s.endpoint = e.endpoint
WHERE e.application = $1 AND e.deleted_at IS NULL AND s.status = 'paused' AND s.pause_reason = coalesce($2::text, s.pause_reason)
