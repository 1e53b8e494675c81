-- Locks the rows of nodes that have expired. A row that another node is at, to free what was leased or to renew, is left to it; and no claim of these
-- nodes can be under way any more, so that the next statement of this transaction sees all they ever took.
SELECT node FROM webhooks.node WHERE expires_at <= clock_timestamp() ORDER BY node FOR UPDATE SKIP LOCKED
