-- The source's progress is locked.
UPDATE inbox.progress
SET processed = processed + ($2 = 'processed')::int, unhandled = unhandled + ($2 = 'unhandled')::int, void = void + ($2 = 'void')::int,
    parked = parked + ($2 = 'parked')::int - $3, skipped = skipped + ($2 = 'skipped')::int, unnumbered_settled = unnumbered_settled + $4
WHERE source = $1
