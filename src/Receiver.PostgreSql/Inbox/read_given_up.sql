-- Locks nothing.
SELECT count(*) FROM inbox.unnumbered WHERE source = $1 AND done_at IS NULL AND attempts > 0 AND retry_at IS NULL
