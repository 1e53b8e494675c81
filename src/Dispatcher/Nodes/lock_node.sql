-- Locks one node's row, so that none of its claims is under way and none can follow. $1 node
SELECT node FROM webhooks.node WHERE node = $1 FOR UPDATE
