using System.Data;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Tests.Sequencing;

/// <summary>Rows that are done with must cost nothing while somebody holds an old snapshot (design 5.1).</summary>
public partial class OldSnapshotTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sequence_RepeatableReadHeldOpenUnderLoad_StaysCheap(bool alsoPublishes)
    {
        await using var platform = await Platform.StartAsync(options => options.Sequencing.BatchSize = 100, worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var bucket = WebhookApplications.Bucket(application);
        await LoadAsync(platform, application, bucket, 500);
        await using var connection = await platform.Data.OpenConnectionAsync();
        await using var held = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await using (var read = new NpgsqlCommand("SELECT count(*) FROM webhooks.event", connection)) await read.ExecuteScalarAsync();
        if (alsoPublishes) await platform.Publisher.PublishAsync(EventToPublish.FromJson(application, "held", "1"), held);

        await LoadAsync(platform, application, bucket, 100);
        var before = await BuffersAsync(platform, bucket);
        await LoadAsync(platform, application, bucket, 5000);
        var after = await BuffersAsync(platform, bucket);
        // Blocks touched, not time: the same few index pages, however much was sequenced meanwhile.
        foreach (var (query, blocks) in after) Assert.InRange(blocks, 0, (before[query] * 2) + 20);

        await held.CommitAsync();
        while ((await platform.Get<Sequencer>().RunOnceAsync(bucket, default)).Events > 0) { }
        Assert.Equal(5600 + (alsoPublishes ? 1 : 0), (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head);
    }

    private static async Task LoadAsync(Platform platform, WebhookApplicationId application, short bucket, int events)
    {
        for (var done = 0; done < events; done += 100)
        {
            await using var connection = await platform.Data.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await platform.Publisher.PublishAsync(Enumerable.Range(0, 100).Select(i => EventToPublish.FromJson(application, "a", $"{i}")).ToList(), transaction);
            await transaction.CommitAsync();
            while ((await platform.Get<Sequencer>().RunOnceAsync(bucket, default)).Events > 0) { }
        }
    }

    private static async Task<Dictionary<string, long>> BuffersAsync(Platform platform, short bucket)
    {
        var database = platform.Get<WebhookDatabase>();
        var buffers = new Dictionary<string, long>();
        await using var connection = await platform.Data.OpenConnectionAsync();
        foreach (var (query, arguments) in new[] { ("Sequencing/find_pending", "(ARRAY[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]::smallint[])"), ("Sequencing/read_batch", $"({bucket}, 100)") })
        {
            await using var explain = new NpgsqlCommand(
                $"PREPARE q AS {database.Query(query)}; EXPLAIN (ANALYZE, BUFFERS) EXECUTE q{arguments}", connection);
            var plan = "";
            await using (var reader = await explain.ExecuteReaderAsync())
                while (await reader.ReadAsync()) plan += reader.GetString(0) + "\n";
            await using var forget = new NpgsqlCommand("DEALLOCATE q", connection);
            await forget.ExecuteNonQueryAsync();
            // The first line of buffers is the root's, which includes all below it.
            buffers[query] = Hit().Match(plan).Groups[1].Captures.Select(hit => long.Parse(hit.Value, CultureInfo.InvariantCulture)).Sum();
            Assert.True(buffers[query] > 0, plan);
        }

        return buffers;
    }

    [GeneratedRegex(@"Buffers: shared(?: (?:hit|read|dirtied|written)=(\d+))+")]
    private static partial Regex Hit();
}
