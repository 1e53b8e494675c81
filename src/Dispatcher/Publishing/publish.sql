-- Locks nothing that another publisher waits for: new rows only, no foreign key, positions from a sequence.
-- $1 applications, $2 event ids, $3 types, $4 dedupe keys, $5 data. Rows of unknown applications are left out; the caller sees that.
INSERT INTO webhooks.event (bucket, position, application, id, type, dedupe_key, data)
SELECT a.bucket, webhooks.next_position(a.bucket), a.application, p.id, p.type, p.dedupe_key, p.data
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) WITH ORDINALITY
    AS p(application, id, type, dedupe_key, data, n)
JOIN webhooks.application a ON a.id = p.application
ORDER BY p.n
RETURNING id, bucket, position, published_at
