-- Locks nothing; only the holder of the lease changes what is read here. The events of an endpoint that are due beside its stream.
-- None when the stream's epoch has been raised since the lease, as in read_ahead. $1 bucket, $2 endpoint, $3 how many, $4 epoch
SELECT d.seq, e.id, e.type, e.published_at, e.data, d.attempts, d.replay
FROM (SELECT bucket, endpoint, seq, attempts, replay, due_at FROM webhooks.deferred
      WHERE bucket = $1 AND endpoint = $2 AND due_at <= now()
        AND (SELECT epoch FROM webhooks.stream WHERE endpoint = $2) = $4 ORDER BY due_at LIMIT $3) d
CROSS JOIN LATERAL webhooks.numbers(d.bucket, d.endpoint, d.seq, d.seq, 0) n
CROSS JOIN LATERAL (SELECT id, type, published_at, data FROM webhooks.event e WHERE e.bucket = d.bucket AND e.position = n.position LIMIT 1) e
ORDER BY d.due_at
