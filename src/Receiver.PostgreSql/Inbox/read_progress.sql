-- Locks nothing, so that a commit of a handler and intake never wait for each other here. The last of it is read only where it matters: what is settled
-- ahead is many where one event of many holds up the rest, and counts only when what has arrived comes near the limit ($2).
SELECT p.epoch, p.watermark, p.processed, p.unhandled, p.void, p.parked, p.lost, p.skipped, p.unnumbered_settled,
       CASE WHEN s.arrived + p.lost - coalesce(p.watermark, 0) >= $2
            THEN (SELECT count(*) FROM inbox.ahead a WHERE a.source = $1 AND a.seq > coalesce(p.watermark, 0)) ELSE 0 END
FROM inbox.progress p JOIN inbox.source s ON s.name = p.source WHERE p.source = $1
