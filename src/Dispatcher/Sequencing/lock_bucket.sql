-- Locks the bucket's static row until the end of the batch's transaction: only one node numbers a bucket at a time, and that is the fence.
-- $1 bucket
SELECT bucket FROM webhooks.bucket WHERE bucket = $1 FOR UPDATE
