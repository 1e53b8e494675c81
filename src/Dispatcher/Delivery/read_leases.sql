-- Locks nothing. All that sending to endpoints needs, read after they were taken: a skip or a settle that came just before is seen.
-- One that was resumed in between is nobody's again, and left out. $1 owner, $2 endpoints
SELECT c.endpoint, c.bucket, e.id, e.url, e.failure_threshold::int, t.epoch,
       greatest(t.floor - 1, coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = c.bucket AND x.endpoint = c.endpoint
                                       ORDER BY x.settlement DESC LIMIT 1), 0)) AS cursor,
       c.lease_epoch, c.version, c.consecutive_failures, c.attempts, c.throttled_since, c.probing,
       c.consecutive_failures > 0 OR c.attempts > 0 OR c.throttled_since IS NOT NULL OR c.probing OR c.receiver_resumes > 0 AS blemished,
       coalesce(s.ciphertexts, '{}') AS ciphertexts, coalesce(s.expiries, '{}') AS expiries
FROM webhooks.delivery_state c
JOIN webhooks.endpoint e ON e.endpoint = c.endpoint
JOIN webhooks.stream t ON t.endpoint = c.endpoint
CROSS JOIN LATERAL (
    SELECT array_agg(x.ciphertext ORDER BY x.secret DESC) AS ciphertexts,
           array_agg(coalesce(x.expires_at, 'infinity') ORDER BY x.secret DESC) AS expiries
    FROM webhooks.endpoint_secret x WHERE x.endpoint = c.endpoint AND (x.expires_at IS NULL OR x.expires_at > clock_timestamp())
) s
WHERE c.endpoint = ANY ($2) AND (c.lease_owner = $1) IS TRUE
