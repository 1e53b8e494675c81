-- Locks nothing but the rows it adds and those of events beside the stream: on the way back it sends them again by itself, on the way forward they are
-- settled and not retried any more, unless somebody has asked for them. The caller holds the endpoint's delivery state. What was accepted ahead stays so, unless it lies
-- where the stream begins anew; what the cursor passes of it was delivered, whatever becomes of the numbers around it.
-- Gives what was settled: the word and how many. $1 endpoint, $2 bucket, $3 first seq, $4 last seq, $5 outcome, $6 cursor
WITH again AS (
    DELETE FROM webhooks.deferred WHERE bucket = $2 AND endpoint = $1 AND (seq > $6 AND $5 = 'rewound' OR seq BETWEEN $3 AND $4 AND $5 <> 'rewound' AND NOT replay)
), accepted AS MATERIALIZED (
    SELECT a AS seq FROM (SELECT ahead FROM webhooks.settlement WHERE bucket = $2 AND endpoint = $1 ORDER BY settlement DESC LIMIT 1) x
    CROSS JOIN LATERAL unnest(x.ahead) AS a WHERE $5 <> 'rewound'
), runs AS (
    SELECT seq + 1 AS first_seq, next - 1 AS last_seq, $5 AS outcome
    FROM (SELECT seq, lead(seq, 1, $4::bigint + 1) OVER (ORDER BY seq) AS next
          FROM (SELECT $3::bigint - 1 AS seq UNION ALL SELECT seq FROM accepted WHERE seq BETWEEN $3 AND $4) edge) stretch
    WHERE seq + 1 < next
    UNION ALL
    SELECT seq, seq, 'delivered' FROM accepted WHERE seq BETWEEN $3 AND $4
)
INSERT INTO webhooks.settlement (endpoint, bucket, first_seq, last_seq, outcome, cursor, ahead)
SELECT $1, $2, first_seq, last_seq, outcome, $6, ARRAY(SELECT seq FROM accepted WHERE seq > $6 ORDER BY seq) FROM runs ORDER BY first_seq
RETURNING outcome, last_seq - first_seq + 1
