-- Locks the delivery state of endpoints that are leased to the owner and that it does not work on: left behind by an error. $1 owner, $2 endpoints it works on
UPDATE webhooks.delivery_state SET lease_owner = NULL, due_at = now() WHERE lease_owner = $1 AND NOT endpoint = ANY ($2)
