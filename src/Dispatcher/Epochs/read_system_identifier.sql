-- Locks nothing. Made by initdb, and the same in every copy of the files. Every role may read it unless an administrator took that away.
SELECT system_identifier FROM pg_control_system()
