-- Locks nothing. For a few streams in their order: the floor that leaves nothing of the periods up to one behind, null where that is where it stands or below.
-- $1 after which endpoint, $2 how many, $3 period
SELECT t.endpoint, CASE WHEN r.last >= t.floor THEN r.last + 1 END AS floor
FROM (SELECT endpoint, bucket, floor FROM webhooks.stream WHERE endpoint > $1 ORDER BY endpoint LIMIT $2) t
CROSS JOIN LATERAL (
    SELECT greatest(
        (SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d WHERE d.bucket = t.bucket AND d.endpoint = t.endpoint AND d.period <= $3 ORDER BY d.seq DESC LIMIT 1),
        (SELECT max(x.last_seq) FROM webhooks.delivery_reach x WHERE x.bucket = t.bucket AND x.endpoint = t.endpoint AND x.event_period <= $3)) AS last
) r
ORDER BY t.endpoint
