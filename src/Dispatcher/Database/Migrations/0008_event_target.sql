-- Locks: runs once, in one transaction, under the migrator's advisory lock. Adds a table; nothing is read or rewritten.
--
-- Events that are meant for one endpoint alone, whatever its patterns: a test of it. In a table of their own, written in the transaction of the event: there are hardly any, and the others
-- pay nothing for them, neither when they are published nor when they are read to be numbered.
CREATE TABLE webhooks.event_target (
    bucket   smallint NOT NULL,
    position bigint NOT NULL,
    endpoint bigint NOT NULL,
    PRIMARY KEY (bucket, position)
);
