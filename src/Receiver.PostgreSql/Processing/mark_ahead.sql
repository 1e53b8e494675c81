-- Locks the source's progress against moving, but not against other marks, until the commit, which follows at once. Of two that mark one event the second
-- waits, and then finds it marked.
INSERT INTO inbox.ahead (source, seq, epoch, how)
SELECT $1, $2, $3, $4 FROM (SELECT 1 FROM inbox.progress p WHERE p.source = $1 AND coalesce(p.watermark, 0) < $2 FOR SHARE) AS still
ON CONFLICT DO NOTHING
