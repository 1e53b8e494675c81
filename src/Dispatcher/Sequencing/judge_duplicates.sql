-- Locks the rows of the keys; runs under the bucket's lock, so nobody waits. Gives the positions whose key is new, or was used before the window.
-- $1 bucket, $2 applications, $3 keys, $4 positions, $5 times of publishing, $6 window; no key twice.
INSERT INTO webhooks.dedupe AS d (bucket, application, dedupe_key, position, published_at)
SELECT $1::smallint, u.application, u.dedupe_key, u.position, u.published_at
FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::timestamptz[]) AS u(application, dedupe_key, position, published_at)
ON CONFLICT (bucket, application, dedupe_key) DO UPDATE SET position = excluded.position, published_at = excluded.published_at
WHERE d.published_at < excluded.published_at - $6::interval
RETURNING d.position
