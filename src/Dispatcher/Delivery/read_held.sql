-- Locks nothing. All that is leased to a node. $1 node
SELECT endpoint, lease_epoch FROM webhooks.delivery_state WHERE lease_owner = $1
