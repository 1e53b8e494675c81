-- Locks nothing. The nodes, those that have expired among them.
SELECT node, leases, capacity, leaving, expires_at - clock_timestamp() AS expires_in FROM webhooks.node ORDER BY node
