-- Locks nothing; the caller holds the endpoint's row since an earlier statement, so that what another change has just committed is seen.
-- The clock is asked for, not the transaction's beginning: an overlap ends when it ends. $1 endpoint
SELECT secret, ciphertext FROM webhooks.endpoint_secret
WHERE endpoint = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())
ORDER BY secret DESC
