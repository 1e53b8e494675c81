-- Locks the delivery state of endpoints that are leased to the owner and that it does not work on: left behind by an error. $1 owner, $2 endpoints it works on
WITH left_behind AS (
    SELECT endpoint FROM webhooks.delivery_state WHERE lease_owner = $1 AND NOT endpoint = ANY ($2) ORDER BY endpoint FOR NO KEY UPDATE
)
UPDATE webhooks.delivery_state s SET lease_owner = NULL, due_at = CASE WHEN s.status = 'active' THEN now() END
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM left_behind))
