using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Tests.Sequencing;

/// <summary>Numbers are stored by the run, and read as if each were stored by itself.</summary>
public class DeliveryRunTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9/");

    [Fact]
    public void Of_WhateverStreamsGot_HoldsEachNumberOnceAndWhatIsOutOfOrderByItself()
    {
        var random = new Random(11);
        for (var round = 0; round < 500; round++)
        {
            var mark = random.Next(200);
            var grown = Enumerable.Range(1, random.Next(1, 5)).ToDictionary(endpoint => (long)endpoint, _ => new Growth(random.Next(1, 1000)));
            foreach (var growth in grown.Values)
                for (var n = random.Next(1, 400); n > 0; n--) growth.Positions.Add(random.Next(random.Next(2) == 0 ? 400 : 10_000));

            var runs = DeliveryRuns.Of(grown, mark);
            var numbers = new List<(long, long, long)>();
            for (var i = 0; i < runs.Seqs.Count; i++)
            {
                Assert.InRange(runs.Counts[i], 1, DeliveryRuns.MostNumbers);
                var positions = runs.Positions.GetRange(runs.Starts[i] - 1, runs.Counts[i]);
                Assert.True(positions.Count == 1 || positions.TrueForAll(position => position > mark));
                numbers.AddRange(positions.Select((position, n) => (runs.Endpoints[i], runs.Seqs[i] + n, position)));
            }

            Assert.Equal(grown.SelectMany(one => one.Value.Positions.Select((position, n) => (one.Key, one.Value.First + n, position))), numbers);
        }
    }

    [Fact]
    public async Task Numbers_OfRunsOfEveryLength_AreTheSameFromAnywhereToAnywhere()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var (sequencer, bucket, random) = (platform.Get<Sequencer>(), WebhookApplications.Bucket(application), new Random(3));
        foreach (var count in new[] { 1, 300, 2, 129, 1, 128, 40 })
        {
            await using var connection = await platform.Data.OpenConnectionAsync();
            await using var late = await connection.BeginTransactionAsync();
            await PublishAsync(late, 1);
            await using (var other = await platform.Data.OpenConnectionAsync())
            {
                await using var transaction = await other.BeginTransactionAsync();
                await PublishAsync(transaction, count);
                await transaction.CommitAsync();
            }

            await sequencer.RunOnceAsync(bucket, default);
            // Committed late: a number by itself, between the others.
            await late.CommitAsync();
            await sequencer.RunOnceAsync(bucket, default);
        }

        Task PublishAsync(NpgsqlTransaction transaction, int count) =>
            platform.Publisher.PublishAsync(Enumerable.Range(0, count).Select(_ => EventToPublish.FromJson(application, "a", "1")).ToList(), transaction);

        var head = (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head;
        var all = await platform.ListAsync<string>("SELECT seq || ':' || position FROM webhooks.delivery ORDER BY seq");
        Assert.Equal(head, all.Count);
        Assert.Equal(608, head);
        Assert.Equal(
            ["1", "1 displaced", "128", "128", "44", "1 displaced", "2", "1 displaced", "128", "1", "1 displaced", "1", "1 displaced", "128", "1 displaced", "40", "1 displaced"],
            await platform.ListAsync<string>("SELECT concat_ws(' ', count, CASE WHEN displaced THEN 'displaced' END) FROM webhooks.delivery_run ORDER BY seq"));
        for (var i = 0; i < 300; i++)
        {
            var (first, last) = (random.Next(1, (int)head + 20), random.Next(0, (int)head + 200));
            var read = await platform.ListAsync<string>(
                $"SELECT n.seq || ':' || n.position FROM webhooks.delivery_state s, webhooks.numbers(s.bucket, s.endpoint, {first}, {last}, 0) n ORDER BY n.seq");
            Assert.Equal(all.Skip(first - 1).Take(Math.Max(0, last - first + 1)), read);
        }
    }

    [Fact]
    public async Task Sequence_ManyEventsOfAStream_AreAFewRows()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, _) = await platform.AddEndpointAsync(Nowhere);
        await using (var connection = await platform.Data.OpenConnectionAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await platform.Publisher.PublishAsync(Enumerable.Range(0, 1000).Select(_ => EventToPublish.FromJson(application, "a", "1")).ToList(), transaction);
            await transaction.CommitAsync();
        }

        while ((await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default)).More) { }
        Assert.Equal(1000, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery"));
        Assert.InRange(await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_run"), 8, 10);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'delivery_p0'"));
    }

    [Fact]
    public async Task Sequence_WhatAProcessOfTheVersionBeforeNumbered_IsGoneOnFrom()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var (sequencer, bucket) = (platform.Get<Sequencer>(), WebhookApplications.Bucket(application));
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await sequencer.RunOnceAsync(bucket, default);
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        // As that version wrote them: one by one, and its batch.
        await platform.ExecuteAsync(
            """
            INSERT INTO webhooks.delivery (endpoint, seq, position, bucket, period, displaced)
            SELECT s.endpoint, 5 + u.n, u.position, s.bucket, 0, NULL
            FROM webhooks.delivery_state s, (SELECT position, row_number() OVER (ORDER BY position) AS n FROM webhooks.event
                                             WHERE position > (SELECT max(position) FROM webhooks.delivery)) u;
            INSERT INTO webhooks.sequencer_batch (bucket, batch, mark)
            SELECT e.bucket, 1 + (SELECT max(batch) FROM webhooks.sequencer_batch b WHERE b.bucket = e.bucket), max(e.position) FROM webhooks.event e GROUP BY e.bucket;
            """);
        for (var i = 0; i < 4; i++) await platform.PublishAsync(application);
        await sequencer.RunOnceAsync(bucket, default);
        Assert.Equal(12, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
        Assert.Equal(
            Enumerable.Range(1, 12).Select(n => (long)n),
            await platform.ListAsync<long>("SELECT seq FROM webhooks.delivery JOIN webhooks.event USING (bucket, position) ORDER BY position"));
    }

    [Fact]
    public async Task Numbers_GivenTwice_AreRefused()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, _) = await platform.AddEndpointAsync(Nowhere);
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        foreach (var (columns, values) in new[] { ("", ""), (", count, following", ", 3, '{8,9}'"), (", count, following", ", 3, '{8}'"), (", displaced, count, following", ", true, 2, '{8}'") })
        {
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => platform.ExecuteAsync(
                $"INSERT INTO webhooks.delivery_run (endpoint, seq, position, bucket{columns}) SELECT endpoint, 1, 7, bucket{values} FROM webhooks.delivery_state"));
            Assert.Equal(values is "" or ", 3, '{8,9}'" ? PostgresErrorCodes.UniqueViolation : PostgresErrorCodes.CheckViolation, refusal.SqlState);
        }
    }
}
