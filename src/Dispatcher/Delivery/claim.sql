-- Locks the delivery state of the endpoints it takes; SKIP LOCKED and the changed due_at keep two nodes from taking the same.
-- Gives only their numbers: what this statement could read beside them may be older than the rows it locked. $1 owner, $2 how many, $3 lease duration
WITH due AS (
    SELECT endpoint FROM webhooks.delivery_state
    WHERE due_at <= now() AND status = 'active' ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE webhooks.delivery_state s SET lease_owner = $1, lease_epoch = s.lease_epoch + 1, due_at = now() + $3, resting = false
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM due))
RETURNING s.endpoint
