-- Locks the node's own row: a takeover that is under way is waited for, and has then deleted it. No row: the node has lost all it had leased.
-- $1 node, $2 lease duration, $3 how many endpoints it works on, $4 whether it is about to end
UPDATE webhooks.node SET expires_at = clock_timestamp() + $2, leases = $3, leaving = $4 WHERE node = $1 RETURNING node
