using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Sequencing;

/// <summary>Promise 2: each stream is numbered without gaps, in commit order of causally ordered publishes.</summary>
public class SequenceTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9/");

    [Fact]
    public async Task Sequence_ManyTransactionsCommitAndRollBack_NoHolesAndCausalOrder()
    {
        await using var platform = await Platform.StartAsync(options => options.Sequencing.BatchSize = 7);
        // Two processes number at the same time.
        await using var second = await Platform.StartAsync(options => options.Sequencing.BatchSize = 5, platform.ConnectionString);
        var (application, all) = await platform.AddEndpointAsync(Nowhere);
        var some = await platform.Endpoints.CreateAsync(application, new EndpointSettings(Nowhere.ToString()) { EventTypes = ["even.*"] });
        await platform.Endpoints.PauseAsync(all.Id);
        await platform.Endpoints.PauseAsync(some.Id);
        var committed = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            // Each writer's publishes are causally ordered: one commits before the next begins.
            for (var i = 0; i < 40; i++)
            {
                await using var connection = await platform.Data.OpenConnectionAsync();
                await using var transaction = await connection.BeginTransactionAsync();
                var type = i % 2 == 0 ? $"even.{writer}" : $"odd.{writer}";
                await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, type, $"{i}"), transaction);
                if (random.Next(4) == 0)
                {
                    await transaction.RollbackAsync();
                    continue;
                }

                await transaction.CommitAsync();
                Interlocked.Increment(ref committed);
            }
        })));

        await platform.WaitForStreamAsync(all.Id, stream => stream.Head == committed);
        Assert.Equal(0, await platform.ScalarAsync<long>(
            "SELECT count(*) FROM (SELECT max(seq) - count(*) AS holes FROM webhooks.delivery GROUP BY endpoint) x WHERE holes <> 0"));
        Assert.Equal(0, await platform.ScalarAsync<long>(
            "SELECT count(*) FROM (SELECT count(*) FROM webhooks.delivery GROUP BY endpoint, position HAVING count(*) > 1) x"));
        Assert.Equal(await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event WHERE type LIKE 'even.%'"), (await platform.Endpoints.GetStreamAsync(some.Id)).Head);
        Assert.Equal(0, await platform.ScalarAsync<long>(
            """
            SELECT count(*) FROM (
                SELECT convert_from(e.data, 'UTF8')::int AS i, lag(convert_from(e.data, 'UTF8')::int) OVER (PARTITION BY d.endpoint, split_part(e.type, '.', 2) ORDER BY d.seq) AS before
                FROM webhooks.delivery d JOIN webhooks.event e USING (bucket, position)
            ) x WHERE i < before
            """));
        // Everything is somewhere (promise 1).
        Assert.Equal(committed, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event"));
    }

    [Fact]
    public async Task Endpoint_MarkersHoldFromTheirPlace()
    {
        await using var platform = await Platform.StartAsync();
        var application = await platform.Applications.CreateAsync("one");
        await platform.PublishAsync(application, "1", "a.before");
        var endpoint = await platform.Endpoints.CreateAsync(application, new EndpointSettings(Nowhere.ToString()) { EventTypes = ["a.*"] });
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.PublishAsync(application, "2", "a.first");
        await platform.PublishAsync(application, "3", "b.unmatched");
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(Nowhere.ToString()) { EventTypes = ["b.*"] });
        await platform.PublishAsync(application, "4", "a.unmatched");
        await platform.PublishAsync(application, "5", "b.second");
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        await platform.PublishAsync(application, "6", "b.after");
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_verdict") == 4, "all are judged");
        Assert.Equal(["a.first", "b.second"], await platform.ListAsync<string>("SELECT type FROM webhooks.delivery JOIN webhooks.event USING (bucket, position) ORDER BY seq"));
        Assert.Equal(["a.before", "b.unmatched", "a.unmatched", "b.after"],
            await platform.ListAsync<string>("SELECT type FROM webhooks.event_verdict JOIN webhooks.event USING (bucket, position) WHERE verdict = 'unmatched' ORDER BY position"));
    }

    [Fact]
    public async Task Endpoint_Since_GetsHistoryInOrderWithoutDuplicates()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var application = await platform.Applications.CreateAsync("one");
        await platform.PublishAsync(application, "0", "a.old");
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.event_verdict") == 1, "it is judged");
        await platform.ExecuteAsync("UPDATE webhooks.event SET published_at = now() - interval '2 hours'");
        for (var i = 1; i <= 6; i++)
            await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, i == 3 ? "b" : "a", $"{i}") with { DedupeKey = i is 4 or 5 ? "same" : null });
        var endpoint = await platform.Endpoints.CreateAsync(
            application, new EndpointSettings(receiver.Url.ToString()) { EventTypes = ["a"], Since = DateTimeOffset.UtcNow.AddHours(-1) });
        await platform.PublishAsync(application, "7", "a");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        Assert.Equal(["1", "2", "4", "6", "7"], receiver.Requests.Select(request => request.Text[^2..^1]));
    }

    /// <summary>Its marker was drawn first and committed last: what was numbered in between was in no history and came after no marker.</summary>
    [Fact]
    public async Task Endpoint_SinceCommittedLate_AlsoGetsWhatOvertookIt()
    {
        await using var platform = await Platform.StartAsync();
        var (application, _) = await platform.AddEndpointAsync(Nowhere);
        var database = platform.Get<WebhookDatabase>();
        await using var connection = await database.OpenAsync(default);
        await using var transaction = await connection.BeginTransactionAsync();
        var since = new EndpointSettings(Nowhere.ToString()) { Since = DateTimeOffset.UtcNow.AddHours(-1) };
        var id = (await platform.Get<WebhookEndpoints>().CreateAsync(connection, application, since, default)).Result.Id;
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery") == 3, "they are numbered");
        await transaction.CommitAsync();
        await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(id, stream => stream.Head == 4);
        Assert.Equal([1, 2, 3, 4], await platform.ListAsync<long>("SELECT seq FROM webhooks.delivery WHERE endpoint = (SELECT max(endpoint) FROM webhooks.endpoint) ORDER BY position"));
        Assert.Equal(4, stream.Head);
    }
}
