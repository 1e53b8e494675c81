-- Locks nothing but the rows it adds. Evidence of failed attempts from which nothing follows by themselves: a smaller batch is tried, or another one's failure counts for all
-- that were under way. $1 endpoint, $2 owner, $3 lease epoch, $4 number, $5 seqs, $6 started at, $7 duration in ms, $8 outcomes, $9 status codes, $10 details, $11 phases
INSERT INTO webhooks.attempt (bucket, endpoint, seq, number, started_at, duration_ms, outcome, status_code, detail, phases)
SELECT s.bucket, s.endpoint, u.seq, $4, u.started_at, u.duration_ms, u.outcome, u.status_code, u.detail, u.phases::jsonb
FROM webhooks.delivery_state s
CROSS JOIN unnest($5::bigint[], $6::timestamptz[], $7::int[], $8::text[], $9::int[], $10::text[], $11::text[]) AS u(seq, started_at, duration_ms, outcome, status_code, detail, phases)
WHERE s.endpoint = $1 AND (s.lease_owner = $2) IS TRUE AND s.lease_epoch = $3
