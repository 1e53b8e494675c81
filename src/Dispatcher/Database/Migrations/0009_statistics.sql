-- Locks: runs once, in one transaction, under the migrator's advisory lock. Adds tables; nothing is read or rewritten.
--
-- What was counted of each endpoint, by minute, and by hour once a minute is older than minutes are kept. Written by whoever counted, by adding; never in the transaction of what
-- is counted.
-- `attempts` and `settled` are counts by word. An element of `latency` is a bucket and its count in one number, bucket * 2^40 + count (Statistics/LatencyHistogram); `longest` is
-- in microseconds.
-- Rows are changed while their minute lasts: there is room for that on their page.
CREATE TABLE webhooks.endpoint_statistic (
    endpoint bigint NOT NULL,
    minute   timestamptz NOT NULL,
    attempts jsonb NOT NULL,
    settled  jsonb NOT NULL,
    latency  bigint[] NOT NULL,
    longest  bigint NOT NULL CHECK (longest >= 0),
    PRIMARY KEY (endpoint, minute),
    CHECK (minute = date_trunc('minute', minute, 'UTC'))
) WITH (fillfactor = 70);
CREATE INDEX endpoint_statistic_age ON webhooks.endpoint_statistic (minute);

CREATE TABLE webhooks.endpoint_statistic_hour (
    endpoint bigint NOT NULL,
    hour     timestamptz NOT NULL,
    attempts jsonb NOT NULL,
    settled  jsonb NOT NULL,
    latency  bigint[] NOT NULL,
    longest  bigint NOT NULL CHECK (longest >= 0),
    PRIMARY KEY (endpoint, hour),
    CHECK (hour = date_trunc('hour', hour, 'UTC'))
) WITH (fillfactor = 70);
CREATE INDEX endpoint_statistic_hour_age ON webhooks.endpoint_statistic_hour (hour);

CREATE FUNCTION webhooks.add_counts(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a = '{}' THEN b WHEN b = '{}' THEN a ELSE
        (SELECT jsonb_object_agg(t.key, t.total) FROM (SELECT e.key, sum(e.value::bigint) AS total
         FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) e GROUP BY e.key) t) END
$$;
CREATE AGGREGATE webhooks.sum_counts(jsonb) (SFUNC = webhooks.add_counts, STYPE = jsonb, INITCOND = '{}');

CREATE FUNCTION webhooks.add_latency(a bigint[], b bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a = '{}' THEN b WHEN b = '{}' THEN a ELSE
        (SELECT array_agg(t.bucket << 40 | t.total ORDER BY t.bucket)
         FROM (SELECT e >> 40 AS bucket, sum(e & 1099511627775)::bigint AS total FROM unnest(a || b) AS e GROUP BY e >> 40) t) END
$$;
CREATE AGGREGATE webhooks.sum_latency(bigint[]) (SFUNC = webhooks.add_latency, STYPE = bigint[], INITCOND = '{}');
