-- Locks the delivery state of endpoints; runs under the buckets' locks, or an event numbered just now would be left with nobody to deliver it.
-- Hands back what has nothing left to send, until the first event beside the stream is due; gives the endpoints handed back. $1 owner, $2 endpoints, $3 lease epochs
-- In the endpoints' order, as everybody does who locks several. The version is compared: had this waited for somebody who moved the cursor back, the
-- row would be the new one and the cursor still the old. $4 versions
WITH idle AS (
    SELECT s.endpoint, s.bucket
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u(endpoint, lease_epoch, version)
    JOIN webhooks.delivery_state s ON s.endpoint = u.endpoint AND (s.lease_owner = $1) IS TRUE AND s.lease_epoch = u.lease_epoch AND s.version = u.version
    WHERE coalesce((SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint ORDER BY d.seq DESC LIMIT 1), 0)
        <= greatest(coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                              ORDER BY x.settlement DESC LIMIT 1), 0),
                    (SELECT t.floor - 1 FROM webhooks.stream t WHERE t.endpoint = s.endpoint))
    ORDER BY s.endpoint FOR NO KEY UPDATE OF s
)
UPDATE webhooks.delivery_state s SET lease_owner = NULL, due_at = CASE WHEN s.status = 'active' THEN d.due_at END, resting = s.status = 'active' AND d.due_at IS NOT NULL
FROM idle LEFT JOIN LATERAL (SELECT d.due_at FROM webhooks.deferred d WHERE d.bucket = idle.bucket AND d.endpoint = idle.endpoint ORDER BY d.due_at LIMIT 1) d ON true
WHERE s.endpoint = idle.endpoint
RETURNING s.endpoint
