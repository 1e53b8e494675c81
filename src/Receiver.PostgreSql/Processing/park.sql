-- Locks the parked event's row until the commit, which follows at once. Takes the place of how it was set aside before.
INSERT INTO inbox.parked (source, seq, epoch, event_id, endpoint, type, body, received_at, attempts, reason, parked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (source, seq, epoch, event_id) DO UPDATE SET attempts = excluded.attempts, reason = excluded.reason, parked_at = excluded.parked_at
