-- Locks nothing that is there: the mark of an event that the inbox does not have.
INSERT INTO inbox.unnumbered (source, event_id, received_at, done_at, how) VALUES ($1, $2, now(), now(), $3) ON CONFLICT DO NOTHING
