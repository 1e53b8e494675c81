-- Locks the source's progress until the commit, which follows at once: before anything that changes it, so that what comes next sees every mark that
-- was set before.
SELECT 1 FROM inbox.progress WHERE source = $1 FOR UPDATE
