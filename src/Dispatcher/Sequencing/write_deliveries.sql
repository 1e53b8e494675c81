-- Locks nothing but the rows it adds. Numbers given twice from the same head on would violate the primary key and undo the batch.
-- What lies at or below the mark before the batch comes out of the order of positions, and is marked.
-- $1 bucket, $2 endpoints, $3 first seqs, $4 where their positions begin, from 1, $5 how many, $6 positions of all, $7 the period in force, $8 mark
INSERT INTO webhooks.delivery_run (endpoint, seq, position, bucket, period, displaced, count, following)
SELECT u.endpoint, u.seq, ($6::bigint[])[u.start], $1::smallint, $7::int, CASE WHEN ($6::bigint[])[u.start] <= $8::bigint THEN true END, u.count,
       CASE WHEN u.count > 1 THEN ($6::bigint[])[u.start + 1 : u.start + u.count - 1] END
FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::int[]) AS u(endpoint, seq, start, count)
