-- Locks nothing. The next events of several endpoints, as far as their bytes allow; of each at least one.
-- An endpoint may be asked for twice: by a pump that has just lost it, and by the one that follows.
-- Of a stream whose epoch has been raised since the lease nothing is given: it would be sent as of the old epoch, and once more as of the new.
-- A number's period is never lower than that of the one before it: partitions below that are not looked at.
-- $1 buckets, $2 endpoints, $3 after which seq, $4 how many of each, $5 how many bytes of each, $6 epochs, $7 in which period that seq was numbered, or 0
SELECT r.n, d.seq, d.id, d.type, d.published_at, d.data, d.period
FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::int[], $7::int[]) WITH ORDINALITY
    AS r(bucket, endpoint, after, most, bytes, epoch, period, n)
CROSS JOIN LATERAL (SELECT FROM webhooks.stream WHERE endpoint = r.endpoint AND epoch = r.epoch LIMIT 1) t
CROSS JOIN LATERAL (
    SELECT n.seq, e.id, e.type, e.published_at, e.data, n.period,
           sum(octet_length(e.data)) OVER (ORDER BY n.seq) - octet_length(e.data) AS bytes_before
    FROM webhooks.numbers(r.bucket, r.endpoint, r.after + 1, r.after + r.most, r.period) n
    -- By key, one after the other, whatever the planner believes of the table's size.
    CROSS JOIN LATERAL (SELECT id, type, published_at, data FROM webhooks.event WHERE bucket = r.bucket AND position = n.position LIMIT 1) e
) d
WHERE d.bytes_before < r.bytes
ORDER BY r.n, d.seq
