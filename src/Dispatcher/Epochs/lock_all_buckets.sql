-- Locks every bucket, in order, until the end of the transaction: nobody numbers, and who raises the epoch is alone. $1 buckets
SELECT pg_advisory_xact_lock(hashtext('webhooks.bucket'), bucket)
FROM (SELECT bucket FROM unnest($1::smallint[]) AS bucket ORDER BY bucket OFFSET 0) AS ordered
