-- Locks the rows it changes; runs under the bucket's lock, so nobody waits. How far streams reach into events of periods that have ended.
-- $1 bucket, $2 endpoints, $3 periods of the events, $4 last seqs, $5 whether committed late
INSERT INTO webhooks.delivery_reach AS r (bucket, endpoint, event_period, last_seq, late_at)
SELECT $1::smallint, u.endpoint, u.event_period, u.last_seq, CASE WHEN u.late THEN clock_timestamp() END
FROM unnest($2::bigint[], $3::int[], $4::bigint[], $5::boolean[]) AS u(endpoint, event_period, last_seq, late)
ON CONFLICT (bucket, endpoint, event_period) DO UPDATE
SET last_seq = excluded.last_seq, late_at = coalesce(excluded.late_at, r.late_at)
