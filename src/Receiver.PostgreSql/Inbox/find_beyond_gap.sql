-- Locks nothing: what is stored beyond a gap whose first number is about to be stored, as far as one look goes.
SELECT r.seq, r.epoch FROM inbox.source s JOIN inbox.received r ON r.source = s.name AND r.seq > s.contiguous
WHERE s.name = $1 AND s.highest > s.contiguous AND s.contiguous + 1 = ANY ($2)
ORDER BY r.source, r.seq, r.epoch LIMIT $3
