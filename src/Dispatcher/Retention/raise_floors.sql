-- Locks the streams; the caller holds their delivery states since an earlier statement, or the cursors read here could be old ones.
-- What lies below a new floor is no longer kept: where it passes the cursor, the numbers between are expired. Gives the endpoints of which something was.
-- $1 endpoints, $2 the new floors, at most head + 1
WITH held AS MATERIALIZED (
    SELECT s.endpoint, s.bucket, s.status, least(u.floor, h.head + 1) AS floor, h.floor AS was, h.cursor
    FROM unnest($1::bigint[], $2::bigint[]) AS u(endpoint, floor)
    CROSS JOIN LATERAL (SELECT endpoint, bucket, status FROM webhooks.delivery_state WHERE endpoint = u.endpoint LIMIT 1) s
    CROSS JOIN LATERAL (
        SELECT t.floor,
               greatest(t.floor - 1, (SELECT d.seq FROM webhooks.delivery d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint
                                      ORDER BY d.seq DESC LIMIT 1)) AS head,
               greatest(t.floor - 1, (SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                                      ORDER BY x.settlement DESC LIMIT 1)) AS cursor
        FROM webhooks.stream t WHERE t.endpoint = s.endpoint LIMIT 1
    ) h
), raised AS (
    UPDATE webhooks.stream t SET floor = held.floor FROM held WHERE t.endpoint = held.endpoint AND held.was < held.floor
), expired AS MATERIALIZED (
    SELECT * FROM held WHERE was < floor AND cursor < floor - 1 AND status <> 'deleted'
), fenced AS (
    UPDATE webhooks.delivery_state s SET version = s.version + 1 FROM expired WHERE s.endpoint = expired.endpoint
), settled AS (
    INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor)
    SELECT bucket, endpoint, cursor + 1, floor - 1, 'expired', floor - 1 FROM expired
), told AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
    SELECT 'stream.range_expired', endpoint, 'dispatcher', jsonb_build_object('from', cursor + 1, 'to', floor - 1) FROM expired
)
SELECT endpoint FROM expired
