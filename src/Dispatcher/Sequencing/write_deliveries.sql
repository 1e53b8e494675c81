-- Locks nothing but the rows it adds. A number given twice would violate the primary key and undo the batch.
-- $1 bucket, $2 endpoints, $3 seqs, $4 positions, $5 the period in force
INSERT INTO webhooks.delivery (endpoint, seq, position, bucket, period)
SELECT u.endpoint, u.seq, u.position, $1::smallint, $5::int FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u(endpoint, seq, position)
