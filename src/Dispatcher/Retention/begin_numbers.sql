-- Locks the sequences for the moment of the jump. Repeated after a crash it changes nothing. $1 period
SELECT webhooks.begin_numbers($1::int)
