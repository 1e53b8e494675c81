-- Locks nothing; runs under the bucket's lock. The streams in force of some applications, and how far each is numbered.
-- $1 bucket, $2 applications
SELECT s.application, s.endpoint, s.event_types,
       greatest(s.floor - 1, coalesce((SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d
                                       WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint ORDER BY d.seq DESC LIMIT 1), 0)) AS head
FROM webhooks.stream s
WHERE s.bucket = $1 AND s.application = ANY ($2) AND s.matching
