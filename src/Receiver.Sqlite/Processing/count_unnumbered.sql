-- How foreign senders' events were settled: those remembered, and those forgotten. Takes no lock.
SELECT how, sum(events) FROM (
    SELECT how, count(*) AS events FROM webhook_processed WHERE source = $source GROUP BY how
    UNION ALL
    SELECT how, events FROM webhook_forgotten WHERE source = $source)
GROUP BY how;
