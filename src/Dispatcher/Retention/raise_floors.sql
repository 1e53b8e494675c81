-- Locks the streams; the caller holds their delivery states since an earlier statement, or the cursors read here could be old ones.
-- What lies below a new floor is no longer kept: where it passes the cursor, the numbers between are expired, and so is what was to be sent again beside the stream.
-- Gives the endpoints of which something was, and how many expired and were delivered. $1 endpoints, $2 the new floors, at most head + 1
WITH held AS MATERIALIZED (
    SELECT s.endpoint, s.bucket, s.status, f.floor, f.was, f.cursor, greatest(f.cursor, f.floor - 1) AS cursor_after,
           ARRAY(SELECT a.seq FROM unnest(f.ahead) AS a(seq) WHERE a.seq >= f.floor ORDER BY a.seq) AS ahead,
           ARRAY(SELECT a.seq FROM unnest(f.ahead) AS a(seq) WHERE a.seq < f.floor AND a.seq > f.cursor ORDER BY a.seq) AS passed
    FROM unnest($1::bigint[], $2::bigint[]) AS u(endpoint, floor)
    CROSS JOIN LATERAL (SELECT endpoint, bucket, status FROM webhooks.delivery_state WHERE endpoint = u.endpoint LIMIT 1) s
    CROSS JOIN LATERAL (
        SELECT t.floor AS was, greatest(t.floor - 1, x.cursor) AS cursor, x.ahead,
               least(u.floor, 1 + greatest(t.floor - 1, (SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint
                                                         ORDER BY d.seq DESC LIMIT 1))) AS floor
        FROM webhooks.stream t
        LEFT JOIN LATERAL (SELECT x.cursor, x.ahead FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                           ORDER BY x.settlement DESC LIMIT 1) x ON true
        WHERE t.endpoint = s.endpoint LIMIT 1
    ) f
    WHERE f.was < f.floor
), raised AS (
    UPDATE webhooks.stream t SET floor = held.floor FROM held WHERE t.endpoint = held.endpoint
), ended AS (
    DELETE FROM webhooks.deferred b USING held WHERE b.bucket = held.bucket AND b.endpoint = held.endpoint AND b.seq < held.floor
    RETURNING b.bucket, b.endpoint, b.seq, b.replay, held.status, held.cursor, held.cursor_after, held.ahead
), expired AS MATERIALIZED (
    SELECT held.bucket, held.endpoint, r.seq + 1 AS first_seq, r.next - 1 AS last_seq, held.cursor_after, held.ahead
    FROM held CROSS JOIN LATERAL (SELECT seq, lead(seq, 1, held.floor) OVER (ORDER BY seq) AS next FROM unnest(held.cursor || held.passed) AS seq) r
    WHERE r.seq + 1 < r.next AND held.status <> 'deleted'
    UNION ALL
    -- The cursor had passed them, for they were tried beside the stream; what was only to be replayed was settled before.
    SELECT bucket, endpoint, seq, seq, cursor_after, ahead FROM ended WHERE seq <= cursor AND NOT replay AND status <> 'deleted'
), accepted AS MATERIALIZED (
    -- Delivered before their turn, which does not come any more.
    SELECT held.bucket, held.endpoint, seq, held.cursor_after, held.ahead FROM held CROSS JOIN LATERAL unnest(held.passed) AS seq WHERE held.status <> 'deleted'
), touched AS MATERIALIZED (
    SELECT endpoint FROM expired UNION SELECT endpoint FROM ended UNION SELECT endpoint FROM accepted
), fenced AS (
    UPDATE webhooks.delivery_state s SET version = s.version + 1 FROM touched WHERE s.endpoint = touched.endpoint
), settled AS (
    INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor, ahead)
    SELECT bucket, endpoint, first_seq, last_seq, outcome, cursor_after, ahead
    FROM (SELECT bucket, endpoint, first_seq, last_seq, 'expired' AS outcome, cursor_after, ahead FROM expired
          UNION ALL SELECT bucket, endpoint, seq, seq, 'delivered', cursor_after, ahead FROM accepted) settled
    ORDER BY endpoint, first_seq
), told AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
    SELECT 'stream.range_expired', endpoint, 'dispatcher', jsonb_build_object('from', first_seq, 'to', last_seq) FROM expired ORDER BY endpoint, first_seq
)
SELECT n.endpoint, sum(n.expired)::bigint AS expired, sum(n.delivered)::bigint AS delivered
FROM (SELECT endpoint, 0 AS expired, 0 AS delivered FROM touched
      UNION ALL SELECT endpoint, last_seq - first_seq + 1, 0 FROM expired
      UNION ALL SELECT endpoint, 0, 1 FROM accepted) n
GROUP BY n.endpoint
