-- Locks the one row that every change of event types takes, until the commit: the changes of all nodes come one after the other. Gives the generation of this one.
UPDATE webhooks.event_type_generation SET generation = generation + 1 RETURNING generation
