-- Locks the delivery state of endpoints that wait for their next attempt, in their order, as everybody does who locks several. What was taken, tried or
-- changed since is left alone: compared is what this node wrote. Puts the count of failures back, and the next attempt earlier.
-- $1 endpoints, $2 consecutive failures written, $3 attempts written, $4 consecutive failures to have, $5 within which time they become due
WITH waiting AS (
    SELECT u.endpoint, u.failures
    FROM (SELECT * FROM unnest($1::bigint[], $2::int[], $3::int[], $4::int[]) AS given(endpoint, written, attempts, failures) ORDER BY endpoint OFFSET 0) u
    CROSS JOIN LATERAL (SELECT endpoint FROM webhooks.delivery_state
                        WHERE endpoint = u.endpoint AND status = 'active' AND lease_owner IS NULL AND due_at IS NOT NULL
                          AND consecutive_failures = u.written AND attempts = u.attempts
                        LIMIT 1 FOR NO KEY UPDATE) s
)
UPDATE webhooks.delivery_state s
SET consecutive_failures = waiting.failures, due_at = least(s.due_at, now() + random() * $5::interval)
FROM waiting WHERE s.endpoint = waiting.endpoint
