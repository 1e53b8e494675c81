-- The source's row is locked, and what is there was looked for: nothing here meets a row that a handler's transaction holds.
INSERT INTO inbox.unnumbered (source, event_id, type, body, received_at)
SELECT $1, event_id, type, body, received_at
FROM unnest($2::text[], $3::text[], $4::bytea[], $5::timestamptz[]) WITH ORDINALITY AS u (event_id, type, body, received_at, place) ORDER BY place
