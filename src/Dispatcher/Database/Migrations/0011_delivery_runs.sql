-- Numbers are stored by the run instead of one by one: what a batch gives to one stream is one row. A row each was a quarter of what an event cost the server.
-- Locks: the table, for a moment; nothing is read or rewritten. A row of before is a run of one number.
ALTER TABLE webhooks.delivery RENAME TO delivery_run;

-- `seq` is the first number of the run and `position` the event it is; `following` are the events of the numbers behind it, null for none; `count` is how many numbers there
-- are. Who numbers a stream twice from the same head on is stopped by the key.
-- One that is out of the order of positions is looked up by its position, and so is a run by itself.
ALTER TABLE webhooks.delivery_run
    ADD COLUMN count integer NOT NULL DEFAULT 1,
    ADD COLUMN following bigint[],
    ADD CONSTRAINT delivery_run_count CHECK (count = 1 + coalesce(cardinality(following), 0) AND (count = 1 OR displaced IS NULL)) NOT VALID;

-- The partitions keep their names. A process of the version before takes them off by those, and must fail at it for its table being a view now: had they others, it would
-- believe them dropped.
CREATE OR REPLACE FUNCTION webhooks.create_partitions(period integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part text;
    first bigint := period::bigint << 40;
BEGIN
    EXECUTE format('CREATE TABLE webhooks.delivery_p%s (LIKE webhooks.delivery_run INCLUDING ALL)', period);
    EXECUTE format('ALTER TABLE webhooks.delivery_p%s ADD PRIMARY KEY (bucket, endpoint, seq)', period);
    EXECUTE format('ALTER TABLE webhooks.delivery_run ATTACH PARTITION webhooks.delivery_p%1$s FOR VALUES FROM (%1$s) TO (%2$s)', period, period + 1);
    FOREACH part IN ARRAY ARRAY['event', 'event_verdict', 'settlement', 'attempt'] LOOP
        EXECUTE format('CREATE TABLE webhooks.%1$s_p%2$s (LIKE webhooks.%1$s INCLUDING ALL)', part, period);
        EXECUTE format('ALTER TABLE webhooks.%1$s ATTACH PARTITION webhooks.%1$s_p%2$s FOR VALUES FROM (%3$s) TO (%4$s)',
                       part, period, first, first + (1::bigint << 40));
    END LOOP;
END $$;

-- One by one, for whoever looks; and for processes of the version before, which go on numbering one by one until they are replaced. What those read costs as much as their
-- streams are long.
CREATE VIEW webhooks.delivery AS
SELECT r.endpoint, r.seq + n.place - 1 AS seq, n.position, r.bucket, r.period, r.displaced
FROM webhooks.delivery_run r CROSS JOIN LATERAL unnest(r.position || r.following) WITH ORDINALITY AS n(position, place);
CREATE RULE delivery_insert AS ON INSERT TO webhooks.delivery DO INSTEAD
    INSERT INTO webhooks.delivery_run (endpoint, seq, position, bucket, period, displaced)
    VALUES (new.endpoint, new.seq, new.position, new.bucket, coalesce(new.period, 0), new.displaced);

-- The numbers of a stream from one to another, as far as they are given and kept, with their events. $1 bucket, $2 endpoint, $3 first, $4 last, $5 a period that is not
-- above the first one's: what lies before is not searched.
-- One statement and STABLE, so that it is put into the query that calls it; the limits keep the planner from any other way than by key: to the run that holds the first,
-- and on from there. There are no more runs than numbers.
CREATE FUNCTION webhooks.numbers(bucket smallint, endpoint bigint, first bigint, last bigint, period integer) RETURNS TABLE (seq bigint, "position" bigint, period integer)
LANGUAGE sql STABLE AS $$
    SELECT greatest(r.seq, $3) + n.place - 1, n.position, r.period
    FROM (SELECT coalesce(max(h.seq), $3) AS seq, coalesce(max(h.period), $5) AS period
          FROM (SELECT h.seq, h.period FROM webhooks.delivery_run h
                WHERE h.bucket = $1 AND h.endpoint = $2 AND h.period >= $5 AND h.seq <= $3 ORDER BY h.seq DESC LIMIT 1) h) f
    CROSS JOIN LATERAL (SELECT g.seq, g.period, g.count, g.position || g.following AS positions FROM webhooks.delivery_run g
                        WHERE g.bucket = $1 AND g.endpoint = $2 AND g.period >= f.period AND g.seq BETWEEN f.seq AND $4
                        ORDER BY g.seq LIMIT greatest($4 - $3 + 1, 0)) r
    CROSS JOIN LATERAL unnest(r.positions[least(greatest($3 - r.seq, 0), r.count) + 1 : least($4 - r.seq + 1, r.count)]) WITH ORDINALITY AS n(position, place)
$$;
