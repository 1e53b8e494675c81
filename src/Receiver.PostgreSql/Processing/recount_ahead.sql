-- The source's progress is locked. A parked event that still has its mark is counted by it, and else with the rest.
WITH marked AS (UPDATE inbox.ahead SET how = $4 WHERE source = $1 AND seq = $2 AND epoch = $3 RETURNING 1)
UPDATE inbox.progress
SET processed = processed + ($4 = 'processed')::int, unhandled = unhandled + ($4 = 'unhandled')::int, void = void + ($4 = 'void')::int,
    parked = parked + ($4 = 'parked')::int - 1, skipped = skipped + ($4 = 'skipped')::int
WHERE source = $1 AND NOT EXISTS (SELECT 1 FROM marked)
