-- Locks rows that nobody reads any more. Bounded below, or each time would walk through all that was deleted before, which an old snapshot keeps;
-- so deep that a few rounds that failed are made up for. $1 bucket, $2 the lowest batch to keep
DELETE FROM webhooks.sequencer_batch WHERE bucket = $1 AND batch < $2 AND batch >= $2 - 1000
