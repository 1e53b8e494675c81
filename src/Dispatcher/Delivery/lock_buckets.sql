-- Locks the buckets against the sequencer for the moment of the next statement, whose snapshot so sees all that was sequenced. $1 buckets
SELECT bucket FROM webhooks.bucket WHERE bucket = ANY ($1) ORDER BY bucket FOR SHARE
