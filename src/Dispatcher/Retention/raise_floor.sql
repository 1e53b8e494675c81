-- Locks the endpoint's stream; the caller holds its delivery state since an earlier statement, or the cursor read here could be an old one.
-- What lies below the new floor is no longer kept: where it
-- passes the cursor, the numbers between are expired. $1 endpoint id, $2 the new floor
WITH held AS (
    SELECT s.endpoint, s.bucket,
           greatest(t.floor - 1, coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                                           ORDER BY x.settlement DESC LIMIT 1), 0)) AS cursor
    FROM webhooks.endpoint e
    JOIN webhooks.delivery_state s ON s.endpoint = e.endpoint
    JOIN webhooks.stream t ON t.endpoint = e.endpoint
    WHERE e.id = $1 FOR UPDATE OF t
), raised AS (
    UPDATE webhooks.stream t SET floor = $2 FROM held WHERE t.endpoint = held.endpoint AND t.floor < $2
    RETURNING t.endpoint
), fenced AS (
    UPDATE webhooks.delivery_state s SET version = s.version + 1 FROM held, raised
    WHERE s.endpoint = held.endpoint AND held.cursor < $2 - 1
)
INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor)
SELECT held.bucket, held.endpoint, held.cursor + 1, $2 - 1, 'expired', $2 - 1 FROM held, raised WHERE held.cursor < $2 - 1
