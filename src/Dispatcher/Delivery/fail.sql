-- Locks the delivery state of one endpoint, compared with the lease. Records a failed attempt, and waits or pauses; either way the lease ends,
-- unless it is kept for what is still under way.
-- $1 endpoint, $2 owner, $3 lease epoch, $4 version, $5 consecutive failures, $6 attempts, $7 throttled since, $8 pause reason or null,
-- $9 evidence, $10 wait, $11 seq, $12 started at, $13 duration in ms, $14 outcome, $15 status code, $16 detail, $17 whether the next attempt is a probe,
-- $18 whether it counts, $19 whether only the event waits, beside the stream (its attempt is recorded there), $20 whether the lease is kept, $21 bucket, $22 phases.
-- With $19 it runs under the bucket's lock, as release_idle does, or an event numbered just now would wait with the one that failed.
WITH held AS (
    UPDATE webhooks.delivery_state
    SET consecutive_failures = $5, attempts = $6, throttled_since = $7::timestamptz, probing = $17,
        counted_until = CASE WHEN $18 THEN now() + $10 ELSE counted_until END,
        resting = $19 AND $8::text IS NULL AND NOT waits.more,
        lease_owner = CASE WHEN $20 THEN lease_owner END,
        status = CASE WHEN $8::text IS NULL THEN 'active' ELSE 'paused' END,
        pause_reason = $8::text,
        pause_evidence = CASE WHEN $8::text IS NULL THEN NULL ELSE $9 END,
        paused_at = CASE WHEN $8::text IS NULL THEN NULL ELSE clock_timestamp() END,
        due_at = CASE WHEN $20 THEN due_at
                      WHEN $8::text IS NOT NULL THEN NULL
                      -- Numbered meanwhile, when nobody was told who still sends.
                      WHEN $19 AND waits.more THEN now()
                      WHEN $19 THEN least(now() + $10, (SELECT d.due_at FROM webhooks.deferred d
                                                        WHERE d.bucket = delivery_state.bucket AND d.endpoint = $1 ORDER BY d.due_at LIMIT 1))
                      ELSE now() + $10 END
    FROM (SELECT $19 AND coalesce((SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d WHERE d.bucket = $21 AND d.endpoint = $1 ORDER BY d.seq DESC LIMIT 1), 0)
                         > greatest((SELECT t.floor - 1 FROM webhooks.stream t WHERE t.endpoint = $1),
                                    (SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = $21 AND x.endpoint = $1
                                     ORDER BY x.settlement DESC LIMIT 1)) AS more) waits
    WHERE endpoint = $1 AND lease_owner = $2 AND lease_epoch = $3 AND version = $4 AND status = 'active'
    RETURNING endpoint, bucket
), paused AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
    SELECT 'endpoint.paused', endpoint, 'dispatcher', jsonb_build_object('reason', $8::text, 'seq', $11::bigint, 'evidence', $9::text)
    FROM held WHERE $8::text IS NOT NULL
), recorded AS (
    INSERT INTO webhooks.attempt (bucket, endpoint, seq, number, started_at, duration_ms, outcome, status_code, detail, phases)
    SELECT bucket, endpoint, $11, $6, $12, $13, $14, $15::int, $16, $22::jsonb FROM held WHERE NOT $19
)
SELECT endpoint FROM held
