-- Locks nothing but the row it adds; the caller holds the endpoint's delivery state.
-- $1 endpoint, $2 bucket, $3 first seq, $4 last seq, $5 outcome, $6 cursor
INSERT INTO webhooks.settlement (endpoint, bucket, first_seq, last_seq, outcome, cursor) VALUES ($1, $2, $3, $4, $5, $6)
