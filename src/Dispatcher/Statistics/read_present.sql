-- Locks nothing. What cannot be told from where a stream stands: how many of its events are retried beside it (no more than 100,000 are counted), when the oldest that was not
-- delivered was published,
-- when something was last delivered, and how many events were in the last minute; that as far back as the last 5,000 settlements go, of which the beginning is given, too.
-- $1 bucket, $2 endpoint, $3 cursor
WITH recent AS MATERIALIZED (
    SELECT x.settlement, x.first_seq, x.last_seq, x.outcome, x.settled_at FROM webhooks.settlement x
    WHERE x.bucket = $1 AND x.endpoint = $2 ORDER BY x.settlement DESC LIMIT 5000
), waiting AS MATERIALIZED (
    (SELECT b.seq FROM webhooks.deferred b WHERE b.bucket = $1 AND b.endpoint = $2 AND NOT b.replay ORDER BY b.seq LIMIT 1)
    UNION ALL SELECT $3::bigint + 1
)
SELECT (SELECT count(*) FROM (SELECT FROM webhooks.deferred b WHERE b.bucket = $1 AND b.endpoint = $2 AND NOT b.replay LIMIT 100000) b) AS deferred,
       (SELECT min(e.published_at)
        FROM waiting w
        CROSS JOIN LATERAL webhooks.numbers($1, $2, w.seq, w.seq, 0) d
        CROSS JOIN LATERAL (SELECT published_at FROM webhooks.event WHERE bucket = $1 AND position = d.position LIMIT 1) e) AS oldest,
       (SELECT max(r.settled_at) FROM recent r WHERE r.outcome IN ('delivered', 'replayed')) AS last_delivery,
       (SELECT coalesce(sum(r.last_seq - r.first_seq + 1), 0)::bigint FROM recent r
        WHERE r.outcome = 'delivered' AND r.settled_at > clock_timestamp() - interval '1 minute') AS delivered,
       (SELECT min(r.settled_at) FROM recent r HAVING count(*) >= 5000) AS since,
       clock_timestamp() AS now
