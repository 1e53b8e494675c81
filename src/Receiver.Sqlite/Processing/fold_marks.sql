-- Takes away marks of events settled by themselves, and counts them with the rest. Inside the write lock of a transaction that has compared the watermark.
UPDATE webhook_stream SET
    processed = webhook_stream.processed + marked.processed,
    unhandled = webhook_stream.unhandled + marked.unhandled,
    void = webhook_stream.void + marked.void,
    parked = webhook_stream.parked + marked.parked,
    skipped = webhook_stream.skipped + marked.skipped
FROM (
    SELECT
        count(*) FILTER (WHERE how = 'processed') AS processed,
        count(*) FILTER (WHERE how = 'unhandled') AS unhandled,
        count(*) FILTER (WHERE how = 'void') AS void,
        count(*) FILTER (WHERE how = 'parked') AS parked,
        count(*) FILTER (WHERE how = 'skipped') AS skipped
    FROM webhook_ahead
    WHERE source = $source AND seq > $after AND seq <= $upTo AND epoch < $below
) AS marked
WHERE source = $source;

DELETE FROM webhook_ahead WHERE source = $source AND seq > $after AND seq <= $upTo AND epoch < $below;
