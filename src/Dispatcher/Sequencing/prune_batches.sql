-- Locks rows that nobody reads any more. $1 bucket, $2 the lowest batch to keep
DELETE FROM webhooks.sequencer_batch WHERE bucket = $1 AND batch < $2
