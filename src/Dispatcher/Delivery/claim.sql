-- Locks the delivery state of the endpoints it takes; SKIP LOCKED and the owner, which leaves no due_at, keep two nodes from taking the same. And, if
-- there is anything to take, the node's own row, shared: who frees what this node had waits for the end of this statement, or has deleted the row.
-- Gives only their numbers: what this statement could read beside them may be older than the rows it locked.
-- $1 owner, $2 how many, $3 for how long they must have been due
WITH due AS (
    SELECT endpoint FROM webhooks.delivery_state
    WHERE due_at <= now() - $3::interval AND status = 'active' ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), self AS (
    SELECT node FROM webhooks.node WHERE node = $1 AND EXISTS (SELECT FROM due) FOR KEY SHARE SKIP LOCKED
)
UPDATE webhooks.delivery_state s SET lease_owner = $1, lease_epoch = s.lease_epoch + 1, lease_version = s.version, due_at = NULL, resting = false
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM due)) AND EXISTS (SELECT FROM self)
RETURNING s.endpoint
