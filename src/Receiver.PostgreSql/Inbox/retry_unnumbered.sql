-- Locks the rows of events that were given up, which no handler has.
UPDATE inbox.unnumbered SET attempts = 0 WHERE source = $1 AND done_at IS NULL AND attempts > 0 AND retry_at IS NULL
