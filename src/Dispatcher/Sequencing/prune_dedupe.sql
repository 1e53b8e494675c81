-- Locks rows that judge nothing any more; runs under the bucket's lock, so nobody moves them meanwhile. $1 bucket, $2 window, $3 how many
DELETE FROM webhooks.dedupe
WHERE bucket = $1
  AND ctid = ANY (ARRAY(SELECT ctid FROM webhooks.dedupe
                        WHERE bucket = $1 AND published_at < now() - $2::interval - interval '1 hour' ORDER BY published_at LIMIT $3))
