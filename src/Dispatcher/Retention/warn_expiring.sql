-- Locks nothing but the rows it adds or changes; runs under maintenance's lock, so nobody else warns. For a few streams in their order: where the oldest number that is not
-- settled is close to its end, that is said once at 75 % of its time and once at 95 %, for each pause.
-- $1 after which endpoint, $2 how many, $3 now, $4 how long is kept. Gives the last endpoint looked at, how many were looked at and how many warned of.
WITH streams AS MATERIALIZED (
    SELECT endpoint, bucket, floor FROM webhooks.stream WHERE endpoint > $1 ORDER BY endpoint LIMIT $2
), held AS MATERIALIZED (
    SELECT t.endpoint, s.paused_at, c.cursor, e.last, e.expires_at, e.percent
    FROM streams t
    CROSS JOIN LATERAL (SELECT status, paused_at FROM webhooks.delivery_state WHERE endpoint = t.endpoint LIMIT 1) s
    CROSS JOIN LATERAL (
        SELECT greatest(t.floor - 1, (SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = t.bucket AND x.endpoint = t.endpoint
                                      ORDER BY x.settlement DESC LIMIT 1)) AS cursor
    ) c
    CROSS JOIN LATERAL (
        SELECT r.last, n.ended_at + $4::interval AS expires_at, CASE WHEN n.ended_at + $4::interval * 0.95 <= $3 THEN 95 ELSE 75 END AS percent
        FROM webhooks.period n
        CROSS JOIN LATERAL (
            SELECT greatest(
                (SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d
                 WHERE d.bucket = t.bucket AND d.endpoint = t.endpoint AND d.period <= n.period ORDER BY d.seq DESC LIMIT 1),
                (SELECT max(x.last_seq) FROM webhooks.delivery_reach x
                 WHERE x.bucket = t.bucket AND x.endpoint = t.endpoint AND x.event_period <= n.period)) AS last
        ) r
        WHERE n.ended_at + $4::interval * 0.75 <= $3 AND r.last > c.cursor
        ORDER BY n.period LIMIT 1
    ) e
    LEFT JOIN LATERAL (SELECT percent, paused_at, cursor FROM webhooks.expiry_warning WHERE endpoint = t.endpoint LIMIT 1) w ON true
    WHERE s.status <> 'deleted'
      AND (w.percent IS NULL OR w.percent < e.percent OR w.paused_at IS DISTINCT FROM s.paused_at
           -- Not paused, and yet it has moved since: what it is stuck at now is something else.
           OR (s.paused_at IS NULL AND w.cursor <> c.cursor))
), marked AS (
    INSERT INTO webhooks.expiry_warning AS w (endpoint, percent, paused_at, cursor) SELECT endpoint, percent, paused_at, cursor FROM held
    ON CONFLICT (endpoint) DO UPDATE SET percent = excluded.percent, paused_at = excluded.paused_at, cursor = excluded.cursor
), told AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
    SELECT 'stream.expiring', endpoint, 'dispatcher',
           jsonb_build_object('percent', percent, 'from', cursor + 1, 'to', last, 'expires_at', expires_at)
    FROM held
)
SELECT max(endpoint), count(*), (SELECT count(*) FROM held) FROM streams
