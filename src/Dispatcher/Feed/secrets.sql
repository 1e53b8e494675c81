-- Locks nothing. The secrets that are live now, newest first: read for every request, so that a revoked one ends at once. $1 endpoint id
SELECT s.ciphertext
FROM webhooks.endpoint e
JOIN webhooks.endpoint_secret s ON s.endpoint = e.endpoint
WHERE e.id = $1 AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
ORDER BY s.secret DESC
