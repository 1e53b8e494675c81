-- Locks the delivery state of all that is leased to these nodes, in the endpoints' order; the caller has locked the nodes' rows in an earlier
-- statement, and deletes them in this transaction. Whoever held a lease has lost owner and epoch, and can write nothing more. $1 nodes
WITH held AS (
    SELECT endpoint FROM webhooks.delivery_state WHERE lease_owner = ANY ($1) AND lease_owner IS NOT NULL ORDER BY endpoint FOR NO KEY UPDATE
)
UPDATE webhooks.delivery_state s
SET lease_owner = NULL, lease_epoch = s.lease_epoch + 1, due_at = CASE WHEN s.status = 'active' THEN now() END
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM held))
