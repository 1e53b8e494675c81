-- Locks the delivery state of the endpoints it takes; SKIP LOCKED and the changed due_at keep two nodes from taking the same.
-- $1 owner, $2 how many, $3 lease duration
WITH due AS (
    SELECT endpoint FROM webhooks.delivery_state
    WHERE due_at <= now() AND status = 'active' ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE webhooks.delivery_state s SET lease_owner = $1, lease_epoch = s.lease_epoch + 1, due_at = now() + $3
    FROM due WHERE s.endpoint = due.endpoint
    RETURNING s.*
)
SELECT c.endpoint, c.bucket, e.id, e.url, e.failure_threshold::int, t.epoch,
       greatest(t.floor - 1, coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = c.bucket AND x.endpoint = c.endpoint
                                       ORDER BY x.settlement DESC LIMIT 1), 0)) AS cursor,
       c.lease_epoch, c.version, c.consecutive_failures, c.attempts, c.throttled_since, c.probing,
       c.consecutive_failures > 0 OR c.attempts > 0 OR c.throttled_since IS NOT NULL OR c.probing OR c.receiver_resumes > 0 AS blemished,
       s.ciphertexts, s.expiries
FROM claimed c
JOIN webhooks.endpoint e ON e.endpoint = c.endpoint
JOIN webhooks.stream t ON t.endpoint = c.endpoint
CROSS JOIN LATERAL (
    SELECT array_agg(x.ciphertext ORDER BY x.secret DESC) AS ciphertexts,
           array_agg(coalesce(x.expires_at, 'infinity') ORDER BY x.secret DESC) AS expiries
    FROM webhooks.endpoint_secret x WHERE x.endpoint = c.endpoint AND (x.expires_at IS NULL OR x.expires_at > clock_timestamp())
) s
