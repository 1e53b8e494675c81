-- Locks nothing. All that sending to endpoints needs, read after they were taken: a skip or a settle that came just before is seen.
-- One that was resumed in between is nobody's again, and left out. $1 owner, $2 endpoints
SELECT c.endpoint, c.bucket, e.id, e.url, e.failure_threshold::int, t.epoch,
       greatest(t.floor - 1, coalesce(x.cursor, 0)) AS cursor,
       c.lease_epoch, c.version, c.consecutive_failures, c.attempts, c.throttled_since, c.probing,
       c.consecutive_failures > 0 OR c.attempts > 0 OR c.throttled_since IS NOT NULL OR c.probing OR c.receiver_resumes > 0 AS blemished,
       coalesce(s.ciphertexts, '{}') AS ciphertexts, coalesce(s.expiries, '{}') AS expiries,
       e.ordering, e.max_in_flight, e.rate_limit, e.batch_max_events, e.batch_max_wait, e.batch_max_bytes,
       coalesce(x.ahead, '{}') AS ahead,
       -- What the cursor has not passed yet though it was deferred: the process died in between.
       ARRAY(SELECT d.seq FROM webhooks.deferred d
             WHERE d.bucket = c.bucket AND d.endpoint = c.endpoint AND d.seq > greatest(t.floor - 1, coalesce(x.cursor, 0)) AND NOT d.replay) AS deferred_ahead,
       (SELECT d.due_at FROM webhooks.deferred d WHERE d.bucket = c.bucket AND d.endpoint = c.endpoint ORDER BY d.due_at LIMIT 1) AS next_deferred,
       -- Only one that lies ahead says anything, and only while news may come before it.
       CASE WHEN c.counted_until > clock_timestamp() THEN c.counted_until END AS counted_until, e.headers
FROM webhooks.delivery_state c
JOIN webhooks.endpoint e ON e.endpoint = c.endpoint
JOIN webhooks.stream t ON t.endpoint = c.endpoint
LEFT JOIN LATERAL (SELECT x.cursor, x.ahead FROM webhooks.settlement x WHERE x.bucket = c.bucket AND x.endpoint = c.endpoint
                   ORDER BY x.settlement DESC LIMIT 1) x ON true
CROSS JOIN LATERAL (
    SELECT array_agg(x.ciphertext ORDER BY x.secret DESC) AS ciphertexts,
           array_agg(coalesce(x.expires_at, 'infinity') ORDER BY x.secret DESC) AS expiries
    FROM webhooks.endpoint_secret x WHERE x.endpoint = c.endpoint AND (x.expires_at IS NULL OR x.expires_at > clock_timestamp())
) s
WHERE c.endpoint = ANY ($2) AND (c.lease_owner = $1) IS TRUE
