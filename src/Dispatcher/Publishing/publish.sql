-- Locks nothing that another publisher waits for: new rows only, no foreign key, positions from a sequence.
-- $1 applications, $2 event ids, $3 types, $4 dedupe keys, $5 data, $6 API keys or null. Rows of unknown applications are left out; the caller sees that.
INSERT INTO webhooks.event (bucket, position, application, id, type, dedupe_key, data, api_key)
SELECT a.bucket, webhooks.next_position(a.bucket), a.application, p.id, p.type, p.dedupe_key, p.data, p.api_key
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bigint[])
    AS p(application, id, type, dedupe_key, data, api_key)
-- One after the other in the order given, which is that of their positions; sorting them would carry all their data about.
CROSS JOIN LATERAL (SELECT bucket, application FROM webhooks.application WHERE id = p.application LIMIT 1) a
RETURNING id, bucket, position, published_at
