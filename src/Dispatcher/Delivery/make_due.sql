-- Locks the delivery state of endpoints that had nothing to do but for events beside their streams, in their order; runs in the sequencer's transaction. Endpoints that are leased, waiting or
-- paused are only looked at. $1 endpoints
WITH idle AS (
    SELECT endpoint FROM webhooks.delivery_state
    WHERE endpoint = ANY ($1) AND (due_at IS NULL OR resting) AND lease_owner IS NULL AND status = 'active' ORDER BY endpoint FOR NO KEY UPDATE
)
UPDATE webhooks.delivery_state s SET due_at = now(), resting = false WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM idle))
