-- Locks rows of events that are done. Intake that is sent such an event again either still finds it or stores it anew. One that is set aside is kept.
DELETE FROM inbox.unnumbered u
USING (SELECT event_id FROM inbox.unnumbered WHERE source = $1 AND done_at < $2 AND how <> 'parked' ORDER BY source, done_at LIMIT $3) AS old
WHERE u.source = $1 AND u.event_id = old.event_id AND u.how IS NOT NULL
