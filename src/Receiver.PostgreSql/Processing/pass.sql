-- Locks nothing that is there.
INSERT INTO inbox.passed (source, epoch, from_seq, to_seq, reason) VALUES ($1, $2, $3, $4, $5)
