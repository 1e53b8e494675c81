-- Settles an event of a foreign sender, once.
INSERT INTO webhook_processed (source, event_id, how) VALUES ($source, $id, $how) ON CONFLICT DO NOTHING;
