-- Locks nothing but the row it adds. $1 name, $2 the wrapped key.
INSERT INTO webhooks.key_ring (name, xml) VALUES ($1, $2)
