-- Locks nothing: whether an event of the stream may be settled by itself. Compared again when the transaction commits.
SELECT coalesce(p.watermark, 0) < $2
   AND ($4::bigint IS NULL OR EXISTS (SELECT 1 FROM inbox.lease l WHERE l.source = $1 AND l.epoch = $4))
   AND NOT EXISTS (SELECT 1 FROM inbox.ahead a WHERE a.source = $1 AND a.seq = $2 AND a.epoch = $3)
FROM inbox.progress p WHERE p.source = $1
