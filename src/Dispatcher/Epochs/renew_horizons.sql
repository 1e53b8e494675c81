-- Locks nothing but the rows it adds; runs under every bucket's lock. After a restore into another cluster transaction ids begin anew, and a gap would wait for one of the old cluster's:
-- what has not come by now came with none of the transactions that were restored, so this one's own id will do. Elsewhere no id lies ahead, and nothing is added.
INSERT INTO webhooks.sequencer_batch (bucket, batch, mark, gap_first, gap_last, gap_horizon)
SELECT b.bucket, s.batch + 1, s.mark, s.gap_first, s.gap_last,
       ARRAY(SELECT least(h.horizon, pg_current_xact_id()::text::bigint) FROM unnest(s.gap_horizon) WITH ORDINALITY AS h(horizon, place) ORDER BY h.place)
FROM webhooks.bucket b
CROSS JOIN LATERAL (SELECT * FROM webhooks.sequencer_batch x WHERE x.bucket = b.bucket ORDER BY x.batch DESC LIMIT 1) s
WHERE pg_current_xact_id()::text::bigint < ANY (s.gap_horizon)
