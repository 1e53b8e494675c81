-- Locks nothing. The whole key ring; a handful of rows.
SELECT xml FROM webhooks.key_ring ORDER BY name
