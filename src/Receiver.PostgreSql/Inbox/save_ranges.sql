-- The source's row is locked already. Apart from the rest, for these change seldom.
UPDATE inbox.source SET epochs = $2, epoch_starts = $3, lost_from = $4, lost_to = $5 WHERE name = $1
