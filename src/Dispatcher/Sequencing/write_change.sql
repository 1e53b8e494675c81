-- Locks the stream's row. $1 endpoint, $2 event types, $3 whether it matches from here on
UPDATE webhooks.stream SET event_types = $2, matching = $3 WHERE endpoint = $1
