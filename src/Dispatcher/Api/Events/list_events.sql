-- Locks nothing. Events of an application, newest first. The first row tells whether the key may see it, how many were looked at and the last of them; of those, the rest fit.
-- Only so many are looked at, by the index, however few of them fit.
-- $1 application id, $2 organization, $3 the one application that the key may see, or null, $4 the one endpoint, or null, $5 lowest id, $6 older than this id,
-- $7 how many to look at, $8 type or null, $9 since or null, $10 before or null, $11 how many
WITH a AS MATERIALIZED (
    SELECT application FROM webhooks.application
    WHERE id = $1 AND organization = $2 AND application = coalesce($3::bigint, application) AND $4::bigint IS NULL
), seen AS MATERIALIZED (
    SELECT e.bucket, e.position, e.id, e.type, e.published_at, e.dedupe_key, octet_length(e.data) AS size
    FROM webhooks.event e WHERE e.application = (SELECT application FROM a) AND e.id >= $5 AND e.id < $6 ORDER BY e.id DESC LIMIT $7
)
SELECT EXISTS (SELECT FROM a), (SELECT count(*) FROM seen), (SELECT id FROM seen ORDER BY id LIMIT 1),
       NULL::text, NULL::timestamptz, NULL::text, NULL::int, NULL::text
UNION ALL
(SELECT true, NULL, s.id, s.type, s.published_at, s.dedupe_key, s.size,
        (SELECT v.verdict FROM webhooks.event_verdict v WHERE v.bucket = s.bucket AND v.position = s.position)
 FROM seen s
 WHERE s.type = coalesce($8::text, s.type) AND s.published_at >= coalesce($9::timestamptz, s.published_at) AND s.published_at < coalesce($10::timestamptz, 'infinity')
 ORDER BY s.id DESC LIMIT $11)
