-- Locks the application's row against its like, and not against what refers to it: of two that give endpoints of it a URL, the second sees what the first one did. $1 application
SELECT a.application FROM webhooks.application a WHERE a.application = $1 FOR NO KEY UPDATE
