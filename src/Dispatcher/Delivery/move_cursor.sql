-- Locks nothing but the rows it adds and those of events beside the stream: on the way back it sends them again by itself, on the way forward they are
-- settled and not retried any more, unless somebody has asked for them. The caller holds the endpoint's delivery state. What was accepted ahead stays so, unless it lies where the stream begins anew.
-- $1 endpoint, $2 bucket, $3 first seq, $4 last seq, $5 outcome, $6 cursor
WITH again AS (
    DELETE FROM webhooks.deferred WHERE bucket = $2 AND endpoint = $1 AND (seq > $6 AND $5 = 'rewound' OR seq BETWEEN $3 AND $4 AND $5 <> 'rewound' AND NOT replay)
)
INSERT INTO webhooks.settlement (endpoint, bucket, first_seq, last_seq, outcome, cursor, ahead)
VALUES ($1, $2, $3, $4, $5, $6, ARRAY(
    SELECT a FROM (SELECT ahead FROM webhooks.settlement WHERE bucket = $2 AND endpoint = $1 ORDER BY settlement DESC LIMIT 1) x
    CROSS JOIN LATERAL unnest(x.ahead) AS a WHERE a > $6 AND $5 <> 'rewound'))
