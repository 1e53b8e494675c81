-- Locks nothing: whether anything has changed since the last look.
SELECT s.revision, p.epoch, p.watermark FROM inbox.source s JOIN inbox.progress p ON p.source = s.name WHERE s.name = $1
