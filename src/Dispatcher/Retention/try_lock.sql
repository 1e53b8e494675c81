-- Locks maintenance, by an advisory lock of the session: one process at a time works on periods, and no other waits for it.
SELECT pg_try_advisory_lock(hashtext('webhooks.period'), 0)
