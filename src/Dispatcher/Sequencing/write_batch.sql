-- Locks nothing but the row it adds; two nodes that numbered the same batch would collide on its key.
-- $1 bucket, $2 batch, $3 mark, $4 .. $6 gaps
INSERT INTO webhooks.sequencer_batch (bucket, batch, mark, gap_first, gap_last, gap_horizon) VALUES ($1, $2, $3, $4, $5, $6)
