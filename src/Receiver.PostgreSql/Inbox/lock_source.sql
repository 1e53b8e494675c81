-- Locks the source's row until the commit, which follows within a round trip. Of two nodes that store for one source the second waits here, and
-- every later statement of its transaction sees what the first has stored; so no number, endpoint or place below the limit is given twice.
SELECT endpoint, suspect, received, backfilled, duplicates, arrived, unnumbered_arrived, contiguous, lowest, highest, highest_epoch, highest_epoch_lowest,
       epochs, epoch_starts, lost_from, lost_to, hold
FROM inbox.source WHERE name = $1 FOR UPDATE
