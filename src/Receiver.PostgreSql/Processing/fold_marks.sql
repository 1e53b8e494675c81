-- The source's progress is locked. Takes marks away, and counts them with the rest.
WITH gone AS (DELETE FROM inbox.ahead WHERE source = $1 AND seq > $2 AND seq <= $3 AND epoch < $4 RETURNING how),
     marked AS (
    SELECT count(*) FILTER (WHERE how = 'processed') AS processed, count(*) FILTER (WHERE how = 'unhandled') AS unhandled,
           count(*) FILTER (WHERE how = 'void') AS void, count(*) FILTER (WHERE how = 'parked') AS parked, count(*) FILTER (WHERE how = 'skipped') AS skipped
    FROM gone)
UPDATE inbox.progress p
SET processed = p.processed + m.processed, unhandled = p.unhandled + m.unhandled, void = p.void + m.void, parked = p.parked + m.parked, skipped = p.skipped + m.skipped
FROM marked m WHERE p.source = $1
