-- Locks nothing.
SELECT generation FROM webhooks.event_type_generation
