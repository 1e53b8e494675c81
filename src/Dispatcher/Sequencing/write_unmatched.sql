-- Locks nothing but the rows it adds. $1 bucket, $2 positions
INSERT INTO webhooks.event_verdict (bucket, position, verdict) SELECT $1::smallint, position, 'unmatched' FROM unnest($2::bigint[]) AS position
