-- Locks the delivery state of the owner's endpoints, in their order, as everybody does who locks several. Gives those still held, with what may have changed. $1 owner, $2 endpoints, $3 lease duration
WITH held AS (
    SELECT endpoint FROM webhooks.delivery_state WHERE lease_owner = $1 AND endpoint = ANY ($2) ORDER BY endpoint FOR NO KEY UPDATE
)
UPDATE webhooks.delivery_state s SET due_at = now() + $3
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM held))
RETURNING s.endpoint, s.lease_epoch, s.version, s.status
