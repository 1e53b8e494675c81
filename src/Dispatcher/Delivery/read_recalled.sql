-- Locks nothing. What is leased to a node and was paused, resumed, changed or deleted since it was taken. $1 node
SELECT endpoint, lease_epoch FROM webhooks.delivery_state
WHERE lease_owner = $1 AND (version <> lease_version OR status <> 'active')
