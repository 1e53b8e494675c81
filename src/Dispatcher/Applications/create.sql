-- Locks nothing but the row it adds. $1 id, $2 bucket, $3 name.
INSERT INTO webhooks.application (id, bucket, name) VALUES ($1, $2, $3)
