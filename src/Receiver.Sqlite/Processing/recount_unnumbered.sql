-- Counts a foreign sender's event that was set aside as settled in another way; from now on its id is remembered anew.
UPDATE webhook_processed SET how = $how, processed_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE source = $source AND event_id = $id;
