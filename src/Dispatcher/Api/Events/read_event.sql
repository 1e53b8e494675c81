-- Locks nothing. $1 application id, $2 organization, $3 the one application that the key may see, or null, $4 the one endpoint, or null: events are not an endpoint's, $5 event id
SELECT e.bucket, e.position, e.application, e.type, e.published_at, e.dedupe_key, e.data, x.reason, x.expunged_at, v.verdict,
       (SELECT f.id FROM webhooks.event f WHERE f.bucket = e.bucket AND f.position = v.duplicate_of),
       (SELECT k.id FROM webhooks.api_key k WHERE k.api_key = e.api_key)
FROM webhooks.application a
CROSS JOIN LATERAL (SELECT bucket, position, application, type, published_at, dedupe_key, data, api_key FROM webhooks.event
                    WHERE id = $5 AND application = a.application LIMIT 1) e
LEFT JOIN LATERAL (SELECT reason, expunged_at FROM webhooks.expunged_event WHERE bucket = e.bucket AND position = e.position LIMIT 1) x ON true
LEFT JOIN LATERAL (SELECT verdict, duplicate_of FROM webhooks.event_verdict WHERE bucket = e.bucket AND position = e.position LIMIT 1) v ON true
WHERE a.id = $1 AND a.organization = $2 AND a.application = coalesce($3::bigint, a.application) AND $4::bigint IS NULL
