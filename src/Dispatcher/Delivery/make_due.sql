-- Locks the delivery state of endpoints that had nothing to do; runs in the sequencer's transaction. Endpoints that are leased, waiting or
-- paused are only looked at. $1 endpoints
UPDATE webhooks.delivery_state SET due_at = now()
WHERE endpoint = ANY ($1) AND due_at IS NULL AND status = 'active'
