-- Locks the bucket, by an advisory lock, until the end of the batch's transaction: only one node numbers a bucket at a time, and that is the fence.
-- Not its row: locking a row would give this transaction its id now, and it must get it after read_batch took its snapshot. $1 bucket
SELECT pg_advisory_xact_lock(hashtext('webhooks.bucket'), $1::smallint)
