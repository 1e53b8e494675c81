-- Locks nothing: whether the watermark may move. Compared again when the transaction commits; without a lease epoch only the marks are.
-- $5 is the number that is passed because its event is settled now, and $6 the epoch there; null where none is.
SELECT p.epoch = $2 AND p.watermark = $3
   AND ($4::bigint IS NULL OR EXISTS (SELECT 1 FROM inbox.lease l WHERE l.source = $1 AND l.epoch = $4))
   AND NOT EXISTS (SELECT 1 FROM inbox.ahead a WHERE a.source = $1 AND a.seq = $5 AND a.epoch >= $6)
FROM inbox.progress p WHERE p.source = $1
