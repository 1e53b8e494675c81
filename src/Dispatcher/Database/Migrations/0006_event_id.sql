-- Locks: the event tables, for as long as their index is built anew: read once, nothing is copied.
--
-- Ids made later sort later, in all buckets together. By the id alone there is one end at which the index grows, and the server knows that page without looking for it;
-- with the bucket before it there were sixteen.
DROP INDEX webhooks.event_id;
CREATE INDEX event_id ON webhooks.event (id);
