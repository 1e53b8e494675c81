-- Locks the delivery state of one endpoint, if it is due and nobody is at it, and the node's own row, as claim does: two who are told of it at the same moment do not both get it.
-- $1 owner, $2 endpoint's id
WITH due AS (
    SELECT endpoint FROM webhooks.delivery_state
    WHERE endpoint = (SELECT e.endpoint FROM webhooks.endpoint e WHERE e.id = $2) AND due_at <= now() AND status = 'active' FOR UPDATE SKIP LOCKED
), self AS (
    SELECT node FROM webhooks.node WHERE node = $1 AND EXISTS (SELECT FROM due) FOR KEY SHARE SKIP LOCKED
)
UPDATE webhooks.delivery_state s SET lease_owner = $1, lease_epoch = s.lease_epoch + 1, lease_version = s.version, due_at = NULL, resting = false
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM due)) AND EXISTS (SELECT FROM self)
RETURNING s.endpoint
