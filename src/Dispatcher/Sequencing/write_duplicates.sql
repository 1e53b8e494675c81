-- Locks nothing but the rows it adds. $1 bucket, $2 positions, $3 applications, $4 keys
INSERT INTO webhooks.event_verdict (bucket, position, verdict, duplicate_of)
SELECT $1::smallint, u.position, 'duplicate', d.position
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS u(position, application, dedupe_key)
CROSS JOIN LATERAL (SELECT position FROM webhooks.dedupe
                    WHERE bucket = $1::smallint AND application = u.application AND dedupe_key = u.dedupe_key LIMIT 1) d
