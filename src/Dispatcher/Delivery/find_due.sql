-- Locks nothing. Endpoints that are due and that nobody works on, those first that have been for longest: of these buckets, and these. What is found may be taken at the
-- same moment;
-- whoever takes it compares. $1 buckets, $2 endpoints, $3 for how long they must have been due, $4 how many
SELECT e.id, s.due_at
FROM webhooks.delivery_state s JOIN webhooks.endpoint e ON e.endpoint = s.endpoint
WHERE s.due_at <= now() - $3::interval AND s.status = 'active' AND (s.bucket = ANY ($1) OR s.endpoint = ANY ($2))
ORDER BY s.due_at LIMIT $4
