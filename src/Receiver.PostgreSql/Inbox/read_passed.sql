-- Locks nothing.
SELECT epoch, from_seq, to_seq, reason FROM inbox.passed WHERE source = $1 ORDER BY source, from_seq, entry LIMIT $2
