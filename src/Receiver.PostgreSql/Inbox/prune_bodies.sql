-- Locks rows of events that are done. The row stays as the memory that the event was here.
UPDATE inbox.unnumbered u SET body = NULL
FROM (SELECT event_id FROM inbox.unnumbered WHERE source = $1 AND done_at IS NOT NULL AND body IS NOT NULL AND received_at < $2
      ORDER BY source, received_at LIMIT $3) AS old
WHERE u.source = $1 AND u.event_id = old.event_id
