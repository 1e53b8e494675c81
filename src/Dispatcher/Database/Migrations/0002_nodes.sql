-- Nodes: the lease is the node's. It renews one row, however many endpoints it works on.
-- Locks: runs once, in one transaction, under the migrator's advisory lock.

-- The processes that work on this database. What a node has leased is its own for as long as its row is here and has not expired; whoever finds
-- the row expired frees all that it had and deletes the row, in one transaction. A node whose row has gone comes back under another id.
CREATE TABLE webhooks.node (
    node       uuid PRIMARY KEY,
    name       text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    leases     integer NOT NULL DEFAULT 0 CHECK (leases >= 0),
    capacity   integer NOT NULL CHECK (capacity >= 1),
    leaving    boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- The version that a lease began with: a lease that is out of date, or whose endpoint is no longer active, is found by its index without looking
-- at the thousands that are as they were.
ALTER TABLE webhooks.delivery_state ADD COLUMN lease_version bigint;

-- From here on `due_at` is when any node may take an endpoint that nobody holds; an endpoint that is held has none.
ALTER TABLE webhooks.delivery_state DROP CONSTRAINT delivery_state_check2;
UPDATE webhooks.delivery_state SET lease_owner = NULL, lease_epoch = lease_epoch + 1, due_at = CASE WHEN status = 'active' THEN now() END
WHERE lease_owner IS NOT NULL;
ALTER TABLE webhooks.delivery_state ADD CONSTRAINT delivery_state_leased_or_due CHECK (lease_owner IS NULL OR due_at IS NULL);
CREATE INDEX delivery_state_recalled ON webhooks.delivery_state (lease_owner)
    WHERE lease_owner IS NOT NULL AND (version <> lease_version OR status <> 'active');
