-- Locks nothing. Walks the endpoint's attempts in their order until the page is full. $1 bucket, $2 endpoint, $3 newer than this, $4 how many, $5 seq or null, $6 since or null, $7 until or null,
-- $8 outcome or null
SELECT a.attempt, a.seq, a.number, a.started_at, a.duration_ms, a.outcome, a.status_code, a.detail, a.phases::text
FROM webhooks.attempt a
WHERE a.bucket = $1 AND a.endpoint = $2 AND a.attempt > $3
  AND ($5::bigint IS NULL OR a.seq = $5) AND ($6::timestamptz IS NULL OR a.started_at >= $6) AND ($7::timestamptz IS NULL OR a.started_at < $7) AND ($8::text IS NULL OR a.outcome = $8)
ORDER BY a.attempt ASC LIMIT $4
