-- The source's row is locked already; this is what was decided.
UPDATE inbox.source
SET endpoint = $2, suspect = $3, received = $4, backfilled = $5, duplicates = $6, arrived = $7, unnumbered_arrived = $8, contiguous = $9, lowest = $10,
    highest = $11, highest_epoch = $12, highest_epoch_lowest = $13, hold = $14, revision = revision + 1
WHERE name = $1
