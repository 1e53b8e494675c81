-- Locks nothing: what is stored beyond a gap whose first number is about to be stored, as far as one look goes.
SELECT seq, epoch FROM inbox.received
WHERE source = $1 AND seq > (SELECT contiguous FROM inbox.source WHERE name = $1 AND highest > contiguous AND contiguous + 1 = ANY ($2))
ORDER BY source, seq, epoch LIMIT $3
