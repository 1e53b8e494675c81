-- Locks rows that judge nothing any more; runs under the bucket's lock. A few at a time, so that a batch is never held up by it. $1 bucket, $2 window
DELETE FROM webhooks.dedupe d
USING (SELECT application, dedupe_key FROM webhooks.dedupe
       WHERE bucket = $1 AND published_at < now() - $2::interval - interval '1 hour' ORDER BY published_at LIMIT 1000) old
WHERE d.bucket = $1 AND d.application = old.application AND d.dedupe_key = old.dedupe_key
