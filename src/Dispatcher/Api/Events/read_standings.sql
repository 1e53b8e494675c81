-- Locks nothing. What became of events at their places in streams. The cursor only grows, but for rewinds, so the row that settled a number is where the cursor passed it;
-- that is found by halving: the first row from `low` on has not passed it, the first from `high` on has. The rows of one write have the same cursor, hence a look at those behind.
-- The end of what was deferred is a row of its own, not far behind. $1 bucket, $2 endpoints, $3 seqs
SELECT e.id, u.seq,
       (SELECT b.seq FROM webhooks.deferred b WHERE b.bucket = $1 AND b.endpoint = u.endpoint AND b.seq = u.seq AND NOT b.replay) IS NOT NULL AS deferred,
       coalesce(late.outcome, settled.outcome, CASE WHEN u.seq < t.floor THEN 'expired' END) AS outcome, coalesce(late.settled_at, settled.settled_at) AS settled_at,
       u.seq <= coalesce(c.cursor, 0) AS passed, u.seq = ANY (coalesce(c.ahead, '{}')) AS ahead, s.status
FROM unnest($2::bigint[], $3::bigint[]) AS u(endpoint, seq)
CROSS JOIN LATERAL (SELECT id FROM webhooks.endpoint WHERE endpoint = u.endpoint LIMIT 1) e
CROSS JOIN LATERAL (SELECT floor FROM webhooks.stream WHERE endpoint = u.endpoint LIMIT 1) t
CROSS JOIN LATERAL (SELECT status FROM webhooks.delivery_state WHERE endpoint = u.endpoint LIMIT 1) s
LEFT JOIN LATERAL (SELECT x.settlement, x.cursor, x.ahead FROM webhooks.settlement x WHERE x.bucket = $1 AND x.endpoint = u.endpoint ORDER BY x.settlement DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (
    WITH RECURSIVE halves(low, high) AS (
        SELECT 0::bigint, c.settlement WHERE c.cursor >= u.seq
        UNION ALL
        SELECT CASE WHEN n.cursor >= u.seq THEN h.low ELSE n.settlement END, CASE WHEN n.cursor >= u.seq THEN (h.low + h.high) / 2 ELSE h.high END
        FROM halves h
        CROSS JOIN LATERAL (SELECT x.settlement, x.cursor FROM webhooks.settlement x
                            WHERE x.bucket = $1 AND x.endpoint = u.endpoint AND x.settlement >= (h.low + h.high) / 2 ORDER BY x.settlement LIMIT 1) n
        WHERE h.high - h.low > 1
    )
    SELECT high FROM halves WHERE high - low = 1 LIMIT 1
) passed ON true
LEFT JOIN LATERAL (
    SELECT w.settlement, w.outcome, w.settled_at
    FROM (SELECT x.settlement, x.first_seq, x.last_seq, x.outcome, x.settled_at FROM webhooks.settlement x
          WHERE x.bucket = $1 AND x.endpoint = u.endpoint AND x.settlement >= passed.high ORDER BY x.settlement LIMIT 4000) w
    WHERE u.seq BETWEEN w.first_seq AND w.last_seq AND w.outcome <> 'rewound' LIMIT 1
) settled ON true
LEFT JOIN LATERAL (
    SELECT w.outcome, w.settled_at
    FROM (SELECT x.first_seq, x.outcome, x.settled_at FROM webhooks.settlement x
          WHERE x.bucket = $1 AND x.endpoint = u.endpoint AND x.settlement > settled.settlement ORDER BY x.settlement LIMIT 10000) w
    WHERE settled.outcome = 'deferred' AND w.first_seq = u.seq AND w.outcome IN ('delivered', 'exhausted', 'skipped', 'expired') LIMIT 1
) late ON true
