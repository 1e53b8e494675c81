-- Locks the delivery state, which the caller holds already. The next event is tried at once, unless the receiver asked to be left alone for a while, whatever the event;
-- and what is under way settles nothing any more. $1 endpoint
UPDATE webhooks.delivery_state
SET attempts = 0, counted_until = NULL, version = version + 1, resting = false,
    due_at = CASE WHEN status = 'active' AND lease_owner IS NULL AND throttled_since IS NULL THEN now() ELSE due_at END
WHERE endpoint = $1
