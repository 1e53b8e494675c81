-- Locks nothing. Walks the endpoint's settlements in their order until the page is full. $1 bucket, $2 endpoint, $3 older than this, $4 how many, $5 seq or null, $6 since or null, $7 until or null
SELECT s.settlement, s.first_seq, s.last_seq, s.outcome, s.settled_at
FROM webhooks.settlement s
WHERE s.bucket = $1 AND s.endpoint = $2 AND s.settlement < $3
  -- An empty run only says what was accepted ahead.
  AND s.first_seq <= s.last_seq
  AND ($5::bigint IS NULL OR $5 BETWEEN s.first_seq AND s.last_seq) AND ($6::timestamptz IS NULL OR s.settled_at >= $6) AND ($7::timestamptz IS NULL OR s.settled_at < $7)
ORDER BY s.settlement DESC LIMIT $4
