-- Locks the delivery state of endpoints; runs under the buckets' locks, or an event numbered just now would be left with nobody to deliver it.
-- Hands back what has nothing left to send; gives the endpoints handed back. $1 owner, $2 endpoints, $3 lease epochs
UPDATE webhooks.delivery_state s SET lease_owner = NULL, due_at = NULL
FROM unnest($2::bigint[], $3::bigint[]) AS u(endpoint, lease_epoch)
WHERE s.endpoint = u.endpoint AND s.lease_owner = $1 AND s.lease_epoch = u.lease_epoch
  AND coalesce((SELECT d.seq FROM webhooks.delivery d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint ORDER BY d.seq DESC LIMIT 1), 0)
      <= greatest(coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                            ORDER BY x.settlement DESC LIMIT 1), 0),
                  (SELECT t.floor - 1 FROM webhooks.stream t WHERE t.endpoint = s.endpoint))
RETURNING s.endpoint
