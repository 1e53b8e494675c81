-- Locks the rows of nodes, which the caller has locked already, and has freed of all leases. $1 nodes
DELETE FROM webhooks.node WHERE node = ANY ($1)
