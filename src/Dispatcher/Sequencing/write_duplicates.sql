-- Locks nothing but the rows it adds. $1 bucket, $2 positions, $3 applications, $4 keys
INSERT INTO webhooks.event_verdict (bucket, position, verdict, duplicate_of)
SELECT $1::smallint, u.position, 'duplicate', d.position
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS u(position, application, dedupe_key)
JOIN webhooks.dedupe d ON d.bucket = $1::smallint AND d.application = u.application AND d.dedupe_key = u.dedupe_key
