-- Locks nothing but the rows it adds. A number given twice would violate the primary key and undo the batch.
-- What lies at or below the mark before the batch comes out of the order of positions, and is marked. $1 bucket, $2 endpoints, $3 seqs, $4 positions, $5 the period in force, $6 mark
INSERT INTO webhooks.delivery (endpoint, seq, position, bucket, period, displaced)
SELECT u.endpoint, u.seq, u.position, $1::smallint, $5::int, CASE WHEN u.position <= $6::bigint THEN true END
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u(endpoint, seq, position)
