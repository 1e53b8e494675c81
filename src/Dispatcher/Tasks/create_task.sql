-- Locks nothing but the row it adds; the caller holds the application's row, so that tasks are counted one after the other.
-- $1 id, $2 application, $3 endpoint or null, $4 kind, $5 first or null, $6 last or null, $7 reason or null, $8 where it begins, $9 how much there is to do
INSERT INTO webhooks.task (id, application, endpoint, kind, first, last, reason, position, total) VALUES ($1, $2, $3::bigint, $4, $5::bigint, $6::bigint, $7::text, $8, $9)
