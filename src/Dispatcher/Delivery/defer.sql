-- Locks the delivery state of one endpoint, shared, compared with the lease; then the rows of the events. Records failed attempts of events that are
-- retried beside the stream from now on, or go on being so.
-- $1 endpoint, $2 owner, $3 lease epoch, $4 version, $5 seqs, $6 failed attempts, $7 waits, $8 whether they were asked for again,
-- $9 started at, $10 duration in ms, $11 outcome, $12 status codes, $13 details, $14 phases
WITH held AS (
    SELECT endpoint, bucket FROM webhooks.delivery_state
    WHERE endpoint = $1 AND (lease_owner = $2) IS TRUE AND lease_epoch = $3 AND version = $4 FOR SHARE
), given AS (
    SELECT held.bucket, held.endpoint, u.*
    FROM held CROSS JOIN unnest($5::bigint[], $6::int[], $7::interval[], $8::boolean[], $9::timestamptz[], $10::int[], $11::text[], $12::int[], $13::text[], $14::text[])
        AS u(seq, attempts, wait, replay, started_at, duration_ms, outcome, status_code, detail, phases)
), kept AS (
    INSERT INTO webhooks.deferred AS d (bucket, endpoint, seq, attempts, due_at, replay)
    SELECT bucket, endpoint, seq, attempts, clock_timestamp() + wait, replay FROM given
    ON CONFLICT (bucket, endpoint, seq) DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at
), recorded AS (
    INSERT INTO webhooks.attempt (bucket, endpoint, seq, number, started_at, duration_ms, outcome, status_code, detail, phases)
    SELECT bucket, endpoint, seq, attempts, started_at, duration_ms, outcome, status_code, detail, phases::jsonb FROM given
)
SELECT endpoint FROM held
