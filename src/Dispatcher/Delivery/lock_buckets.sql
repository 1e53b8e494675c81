-- Locks the buckets against the sequencer, shared, for the moment of the next statement, whose snapshot so sees all that was sequenced. $1 buckets
SELECT pg_advisory_xact_lock_shared(hashtext('webhooks.bucket'), bucket)
FROM (SELECT bucket FROM unnest($1::smallint[]) AS bucket ORDER BY bucket OFFSET 0) AS ordered
