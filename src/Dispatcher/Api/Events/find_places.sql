-- Locks nothing. Where an event stands in the streams of its application: for each endpoint, oldest first, its seq or null, and which endpoint this is, from 1.
-- A number given out of the order of positions is in an index of those; the others stand in that order, and the last run that begins at or below the position is found by
-- halving: all that begin below `low` do so at or below it, all from `high` on beyond it.
-- $1 bucket, $2 position, $3 application, $4 how many endpoints
SELECT t.endpoint, coalesce(
    (SELECT d.seq FROM webhooks.delivery_run d
     WHERE d.bucket = $1 AND d.position = $2 AND d.displaced AND d.endpoint = t.endpoint AND d.period >= ($2::bigint >> 40) LIMIT 1),
    (WITH RECURSIVE halves(low, high) AS (
         SELECT 0::bigint, 1 + (SELECT d.seq FROM webhooks.delivery_run d WHERE d.bucket = $1 AND d.endpoint = t.endpoint ORDER BY d.seq DESC LIMIT 1)
         UNION ALL
         SELECT CASE WHEN n.position <= $2 THEN n.seq ELSE h.low END, CASE WHEN n.position <= $2 THEN h.high ELSE (h.low + h.high) / 2 END
         FROM halves h
         LEFT JOIN LATERAL (SELECT d.seq, d.position FROM webhooks.delivery_run d
                            WHERE d.bucket = $1 AND d.endpoint = t.endpoint AND d.seq >= (h.low + h.high) / 2 AND d.seq < h.high AND d.displaced IS NULL
                            ORDER BY d.seq LIMIT 1) n ON true
         WHERE h.high - h.low > 1
     )
     SELECT d.seq FROM halves h
     CROSS JOIN LATERAL (SELECT seq - 1 + array_position(position || following, $2) AS seq FROM webhooks.delivery_run
                         WHERE bucket = $1 AND endpoint = t.endpoint AND seq = h.low LIMIT 1) d
     WHERE h.high - h.low = 1 LIMIT 1)) AS seq,
    t.number
FROM (SELECT endpoint, row_number() OVER (ORDER BY endpoint) AS number FROM webhooks.endpoint WHERE application = $3) t
WHERE t.number <= $4
ORDER BY t.number
