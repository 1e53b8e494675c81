-- Locks nothing; runs under the bucket's lock. What an endpoint that starts in the past gets: events that were there before it, but for duplicates and those that were for
-- another endpoint alone.
-- Scans the bucket's kept events once; creating an endpoint with `since` is rare. What is about to be dropped is not given to anybody any more.
-- $1 bucket, $2 application, $3 since, $4 the highest position wanted
SELECT e.position, e.type
FROM webhooks.event e
WHERE e.bucket = $1 AND e.application = $2 AND e.published_at >= $3 AND e.position <= $4
  AND e.position >= (SELECT n.period::bigint << 40 FROM webhooks.period n WHERE n.expiring_at IS NULL ORDER BY n.period LIMIT 1)
  AND NOT EXISTS (SELECT FROM webhooks.event_verdict v WHERE v.bucket = $1 AND v.position = e.position AND v.verdict = 'duplicate')
  AND NOT EXISTS (SELECT FROM webhooks.event_target t WHERE t.bucket = $1 AND t.position = e.position)
ORDER BY e.position
