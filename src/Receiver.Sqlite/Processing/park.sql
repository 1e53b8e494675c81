-- Sets an event aside, in place of how it was set aside before.
INSERT OR REPLACE INTO webhook_parked (source, epoch, seq, event_id, endpoint, type, body, received_at, attempts, reason, parked_at)
VALUES ($source, $epoch, $seq, $id, $endpoint, $type, $body, $received, $attempts, $reason, $at);
