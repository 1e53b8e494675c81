-- Locks nothing but the row it adds. $1 actor, $2 data
INSERT INTO webhooks.operational_event (type, endpoint, actor, data) VALUES ('stream.epoch_raised', NULL, $1, $2::jsonb)
