-- Locks nothing that is there. Two nodes may add a source at the same time; the keys let one row of each kind in.
WITH source AS (INSERT INTO inbox.source (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING name),
     progress AS (INSERT INTO inbox.progress (source) SELECT name FROM source)
INSERT INTO inbox.lease (source) SELECT name FROM source
