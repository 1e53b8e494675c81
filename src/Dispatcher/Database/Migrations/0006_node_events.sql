-- Operational events may be about a node and not about an endpoint, such as node.egress_suspect.
-- Locks: the table, for a moment.
ALTER TABLE webhooks.operational_event ALTER COLUMN endpoint DROP NOT NULL;
