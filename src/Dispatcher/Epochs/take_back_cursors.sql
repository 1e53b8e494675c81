-- Locks nothing but the rows it adds; every delivery state is locked. A node that was sending when the database failed over may have settled, here, numbers that
-- this database never gave: they are going to be other events, and must not count as settled.
INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor, ahead)
SELECT s.bucket, s.endpoint, least(c.cursor + 1, s.epoch_start), c.cursor, 'rewound', least(c.cursor, s.epoch_start - 1),
       ARRAY(SELECT seq FROM unnest(c.ahead) AS seq WHERE seq < s.epoch_start ORDER BY seq)
FROM webhooks.stream s
CROSS JOIN LATERAL (SELECT x.cursor, x.ahead FROM webhooks.settlement x
                    WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint ORDER BY x.settlement DESC LIMIT 1) c
WHERE c.cursor >= s.epoch_start OR s.epoch_start <= ANY (c.ahead)
ORDER BY s.endpoint
RETURNING endpoint
