-- Locks nothing.
SELECT seq, epoch, how FROM inbox.ahead WHERE source = $1 ORDER BY source, seq, epoch
