-- Locks nothing: what is known of a source, for those who only look.
SELECT endpoint, suspect, received, backfilled, duplicates, arrived, unnumbered_arrived, contiguous, lowest, highest, highest_epoch, highest_epoch_lowest,
       epochs, epoch_starts, lost_from, lost_to, hold
FROM inbox.source WHERE name = $1
