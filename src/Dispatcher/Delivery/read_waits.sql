-- Locks nothing. When endpoints that nobody works on are due, and in what time that is. $1 endpoints
SELECT e.id, s.due_at, s.due_at - clock_timestamp() AS wait
FROM webhooks.delivery_state s JOIN webhooks.endpoint e ON e.endpoint = s.endpoint
WHERE s.endpoint = ANY ($1) AND s.due_at IS NOT NULL AND s.status = 'active'
