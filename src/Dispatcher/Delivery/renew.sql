-- Locks the delivery state of the owner's endpoints. Gives those still held, with what may have changed. $1 owner, $2 endpoints, $3 lease duration
UPDATE webhooks.delivery_state SET due_at = now() + $3
WHERE lease_owner = $1 AND endpoint = ANY ($2)
RETURNING endpoint, lease_epoch, version, status
