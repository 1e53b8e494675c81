-- Locks nothing. Events of an application, those next to a place and newer, oldest first. The first row tells whether the key may see it, how many were looked at, the last of them and its time; of those, the rest fit.
-- Its bucket is walked, which other applications' events are in, too: an index of each application's own would cost every publish 3 us. So only so many are looked at, however few of
-- them fit. Times are turned into places by way of the ids, which begin with the time of publishing; where no event of the bucket is near, they bound nothing.
-- $1 application id, $2 organization, $3 the one application that the key may see, or null, $4 the one endpoint, or null, $5 lowest id or null, $6 id beyond the highest or null,
-- $7 place, $8 how many to look at, $9 type or null, $10 since or null, $11 before or null, $12 how many
WITH a AS MATERIALIZED (
    SELECT application, bucket FROM webhooks.application
    WHERE id = $1 AND organization = $2 AND application = coalesce($3::bigint, application) AND $4::bigint IS NULL
), bounds AS MATERIALIZED (
    SELECT coalesce((SELECT f.position FROM (SELECT bucket, position, id FROM webhooks.event WHERE id < $5::uuid ORDER BY id DESC LIMIT 1000) f
                     WHERE f.bucket = a.bucket ORDER BY f.id DESC LIMIT 1), 0) AS low,
           coalesce((SELECT f.position FROM (SELECT bucket, position, id FROM webhooks.event WHERE id >= $6::uuid ORDER BY id LIMIT 1000) f
                     WHERE f.bucket = a.bucket ORDER BY f.id LIMIT 1), 9223372036854775807) AS high
    FROM a
), seen AS MATERIALIZED (
    SELECT e.bucket, e.position, e.application, e.id, e.type, e.published_at, e.dedupe_key, octet_length(e.data) AS size
    FROM webhooks.event e
    WHERE e.bucket = (SELECT bucket FROM a)
      AND e.position > (SELECT greatest(low, $7::bigint) FROM bounds) AND e.position < (SELECT high FROM bounds)
    ORDER BY e.position LIMIT $8
)
SELECT EXISTS (SELECT FROM a), (SELECT count(*) FROM seen), (SELECT s.position FROM seen s ORDER BY s.position DESC LIMIT 1), NULL::uuid, NULL::text,
       (SELECT s.published_at FROM seen s ORDER BY s.position DESC LIMIT 1), NULL::text, NULL::int, NULL::text
UNION ALL
(SELECT true, NULL, s.position, s.id, s.type, s.published_at, s.dedupe_key, s.size,
        (SELECT v.verdict FROM webhooks.event_verdict v WHERE v.bucket = s.bucket AND v.position = s.position)
 FROM seen s
 WHERE s.application = (SELECT application FROM a) AND s.type = coalesce($9::text, s.type)
   AND s.published_at >= coalesce($10::timestamptz, s.published_at) AND s.published_at < coalesce($11::timestamptz, 'infinity')
 ORDER BY s.position  LIMIT $12)
