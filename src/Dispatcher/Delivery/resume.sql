-- Locks the delivery state, which the caller holds already. $1 endpoint, $2 whether a receiver asked,
-- $3 resumes a receiver asked for in a row, $4 how long until it may ask again
-- Whoever still holds the lease keeps it until it has stopped, so that a pause that follows at once waits for it; its settles are refused already.
UPDATE webhooks.delivery_state
SET status = 'active', pause_reason = NULL, pause_evidence = NULL, paused_at = NULL, consecutive_failures = 0, attempts = 0, throttled_since = NULL,
    counted_until = NULL, resting = false,
    probing = $2, receiver_resumes = $3, receiver_resume_from = CASE WHEN $2 THEN clock_timestamp() + $4 END,
    version = version + 1, due_at = CASE WHEN lease_owner IS NULL THEN now() END
WHERE endpoint = $1
