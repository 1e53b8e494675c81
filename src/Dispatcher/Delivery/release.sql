-- Locks the delivery state of endpoints, in their order, compared with the leases. Hands them back as work to be done, by anybody.
-- $1 owner, $2 endpoints, $3 lease epochs
WITH held AS (
    SELECT u.endpoint
    FROM (SELECT * FROM unnest($2::bigint[], $3::bigint[]) AS given(endpoint, lease_epoch) ORDER BY endpoint OFFSET 0) u
    -- By key, one after the other, and so locked in that order; IS TRUE keeps the owner's index out of it.
    CROSS JOIN LATERAL (SELECT endpoint FROM webhooks.delivery_state
                        WHERE endpoint = u.endpoint AND (lease_owner = $1) IS TRUE AND lease_epoch = u.lease_epoch
                        LIMIT 1 FOR NO KEY UPDATE) s
)
UPDATE webhooks.delivery_state s SET lease_owner = NULL, due_at = CASE WHEN s.status = 'active' THEN now() END
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM held))
