-- Locks nothing: the numbers stored after one, in order, as far as one look goes.
SELECT seq, epoch FROM inbox.received WHERE source = $1 AND (seq, epoch) > ($2, $3) ORDER BY source, seq, epoch LIMIT $4
