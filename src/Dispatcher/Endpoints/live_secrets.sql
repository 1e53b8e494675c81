-- Locks the endpoint's row, so that two changes of its secrets are judged one after the other. $1 endpoint id.
-- The clock is asked for, not the transaction's beginning: an overlap ends when it ends.
SELECT e.endpoint, s.secret, s.ciphertext
FROM (SELECT endpoint FROM webhooks.endpoint WHERE id = $1 AND deleted_at IS NULL FOR UPDATE) e
LEFT JOIN webhooks.endpoint_secret s ON s.endpoint = e.endpoint AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
ORDER BY s.secret DESC
