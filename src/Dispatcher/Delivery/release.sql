-- Locks the delivery state of one endpoint. Hands it back as work to be done, by anybody. $1 endpoint, $2 owner, $3 lease epoch
UPDATE webhooks.delivery_state SET lease_owner = NULL, due_at = CASE WHEN status = 'active' THEN now() END
WHERE endpoint = $1 AND lease_owner = $2 AND lease_epoch = $3
