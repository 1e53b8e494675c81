-- Locks nothing. Whose event types hold for an application; that never changes. $1 its id
SELECT organization FROM webhooks.application WHERE id = $1
