-- Locks nothing but the row it adds. $1 type, $2 endpoint, $3 actor, $4 data
INSERT INTO webhooks.operational_event (type, endpoint, actor, data) VALUES ($1, $2, $3, $4::jsonb)
