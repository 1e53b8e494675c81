-- Locks the source's progress, which a handler's transaction locks only to commit. The first of two nodes sets the watermark, the second finds it set.
UPDATE inbox.progress SET epoch = $2, watermark = $3 WHERE source = $1 AND watermark IS NULL
