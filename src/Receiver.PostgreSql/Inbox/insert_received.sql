-- The source's row is locked. Its key would let only one of two events with one number in, if the lock did not.
INSERT INTO inbox.received (source, seq, epoch, event_id, body, received_at, from_feed)
SELECT $1, * FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::bytea[], $6::timestamptz[], $7::boolean[])
