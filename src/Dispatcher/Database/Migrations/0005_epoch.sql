-- Which database this is, so that a restore or a failover is noticed before anything is numbered.
-- Locks: runs once, in one transaction, under the migrator's advisory lock.

-- One row. `system_identifier` and `timeline` are those of the server when it was last compared; null until the first time, and the identifier also where the role may not
-- read it. `epoch` is the one that the last raise gave to every stream.
CREATE TABLE webhooks.database_identity (
    one               boolean PRIMARY KEY DEFAULT true CHECK (one),
    system_identifier bigint,
    timeline          integer,
    epoch             integer NOT NULL DEFAULT 1 CHECK (epoch >= 1)
);
INSERT INTO webhooks.database_identity DEFAULT VALUES;

-- What concerns the whole database concerns no single endpoint.
ALTER TABLE webhooks.operational_event ALTER COLUMN endpoint DROP NOT NULL;
