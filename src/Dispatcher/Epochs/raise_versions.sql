-- Locks every endpoint's delivery state, in their order, as everybody does who locks several; runs under every bucket's lock.
-- Whoever sends with what it was given before settles nothing any more. The version jumps beyond any that a lost history may have given. $1 epoch
WITH held AS (
    SELECT endpoint FROM webhooks.delivery_state ORDER BY endpoint FOR NO KEY UPDATE
)
UPDATE webhooks.delivery_state s SET version = greatest(s.version, $1::bigint << 20) + 1
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM held))
