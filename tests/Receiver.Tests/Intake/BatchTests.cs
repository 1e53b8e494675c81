using System.Collections.Concurrent;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>A batch is accepted or refused as one, and durable before the answer (promise 11).</summary>
public sealed class BatchTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<long> _handled = new();
    private TestApp _app = null!;

    /// <summary>Signed bodies that are no batch of 1..3, each for another reason.</summary>
    public static TheoryData<string> Spoilt => [.. Spoiling.Keys];

    private static readonly Dictionary<string, Func<string>> Spoiling = new()
    {
        ["one missing"] = () => Of(1, 3, 1, 3),
        ["the last missing"] = () => Of(1, 3, 1, 2),
        ["one too many"] = () => Of(1, 3, 1, 2, 3, 4),
        ["reordered"] = () => Of(1, 3, 1, 3, 2),
        ["one twice"] = () => Of(1, 3, 1, 2, 2),
        ["other numbers than said"] = () => Of(1, 3, 2, 3, 4),
        ["none"] = () => Of(1, 3),
        ["from above to"] = () => Of(3, 1, 3, 2, 1),
        ["from 0"] = () => Of(0, 2, 0, 1, 2),
        ["from below 0"] = () => Of(-1, 1, 1),
        ["huge"] = () => Of(1, 3, 1, 2, 3).Replace("\"to\":3", "\"to\":99999999999999999999", StringComparison.Ordinal),
        ["the greatest range"] = () => Of(1, long.MaxValue - 1, 1, 2, 3),
        ["strings"] = () => Of(1, 3, 1, 2, 3).Replace("\"from\":1", "\"from\":\"1\"", StringComparison.Ordinal),
        ["a fraction"] = () => Of(1, 3, 1, 2, 3).Replace("\"to\":3", "\"to\":3.5", StringComparison.Ordinal),
        ["no from"] = () => Of(1, 3, 1, 2, 3).Replace("\"from\":1,", "", StringComparison.Ordinal),
        ["no to"] = () => Of(1, 3, 1, 2, 3).Replace(",\"to\":3", "", StringComparison.Ordinal),
        ["to twice"] = () => Of(1, 3, 1, 2, 3).Replace("\"to\":3", "\"to\":3,\"to\":2", StringComparison.Ordinal),
        ["seq twice"] = () => Of(1, 3, 1, 2, 3).Replace("\"seq\":{", "\"seq\":1,\"seq\":{", StringComparison.Ordinal),
        ["seq an array"] = () => Of(1, 3, 1, 2, 3).Replace("{\"from\":1,\"to\":3}", "[1,3]", StringComparison.Ordinal),
        ["seq empty"] = () => Of(1, 3, 1, 2, 3).Replace("{\"from\":1,\"to\":3}", "{}", StringComparison.Ordinal),
        ["no endpoint"] = () => Of(1, 3, 1, 2, 3).Replace("\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":{", "\"epoch\":1,\"seq\":{", StringComparison.Ordinal),
        ["no epoch"] = () => Of(1, 3, 1, 2, 3).Replace("\"epoch\":1,\"seq\":{", "\"seq\":{", StringComparison.Ordinal),
        ["no data"] = () => Of(1, 3, 1, 2, 3).Replace("\"data\":[", "\"dota\":[", StringComparison.Ordinal),
        ["data an object"] = () => Of(1, 1).Replace("\"data\":[]", "\"data\":{}", StringComparison.Ordinal),
        ["data a number"] = () => Of(1, 1).Replace("\"data\":[]", "\"data\":1", StringComparison.Ordinal),
        ["void"] = () => Of(1, 3, 1, 2, 3).Replace("\"data\":[", "\"void\":true,\"data\":[", StringComparison.Ordinal),
        ["void without data"] = () => Of(1, 1).Replace("\"data\":[]", "\"void\":true", StringComparison.Ordinal),
        ["another endpoint inside"] = () => Of(1, 3, 1, 2, 3).Replace("\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":2", "\"endpoint\":\"ep_2\",\"epoch\":1,\"seq\":2", StringComparison.Ordinal),
        ["another epoch inside"] = () => Of(1, 3, 1, 2, 3).Replace("\"epoch\":1,\"seq\":2", "\"epoch\":2,\"seq\":2", StringComparison.Ordinal),
        ["a batch inside"] = () => Frame(1, 2, Of(1, 2, 1, 2), Text(2)),
        ["a number inside"] = () => Frame(1, 2, Text(1), "2"),
        ["an array inside"] = () => Frame(1, 2, Text(1), $"[{Text(2)}]"),
        ["null inside"] = () => Frame(1, 2, Text(1), "null"),
        ["one without a number inside"] = () => Frame(1, 2, Text(1), "{\"id\":\"evt_1_2\",\"type\":\"a\",\"data\":1}"),
        ["one without data inside"] = () => Frame(1, 2, Text(1), Text(2).Replace("\"data\":{}", "\"dota\":{}", StringComparison.Ordinal)),
        ["one without an id inside"] = () => Frame(1, 2, Text(1), Text(2).Replace("\"id\":", "\"od\":", StringComparison.Ordinal)),
        ["half a surrogate inside"] = () => Frame(1, 2, Text(1), Text(2).Replace("evt_1_2", "\\ud800", StringComparison.Ordinal)),
        ["cut off"] = () => Of(1, 3, 1, 2, 3)[..^1],
        ["something behind it"] = () => Of(1, 3, 1, 2, 3) + "1",
        ["1,001 events"] = () => Encoding.UTF8.GetString(Sent.Batch(1, 1001).Body),
    };

    public async Task InitializeAsync() => _app = await TestApp.StartAsync(handlers: builder => builder.HandleFallback((one, _, _) =>
    {
        _handled.Enqueue(one.Seq!.Value);
        return Task.CompletedTask;
    }));

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Theory]
    [MemberData(nameof(Spoilt))]
    public async Task Batch_Spoilt_Answers400AndStoresNothing(string how)
    {
        var body = Spoiling[how]();
        // The id is that of the frame, which comes first.
        Assert.Equal(400, await _app.DeliverAsync((body.Split('"')[3], Encoding.UTF8.GetBytes(body))));
        var state = await _app.Services.GetInboxAsync();
        Assert.Equal((0L, 0L, 0L), (state.Counts.Received, state.UnnumberedWaiting, state.Highest));
    }

    [Fact]
    public async Task Batch_InAnyOrderOfMembers_IsTaken_AndEachEventKeepsItsExactBytes()
    {
        var second = "{ \"seq\" : 2 , \"data\":{ \"ż\" : 1.0 },\"epoch\":1,\"endpoint\":\"ep_1\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"type\":\"a.b\",\"id\":\"evt_b\"}";
        var body = $$"""
             { "data" : [ {{Text(1)}} ,
               {{second}} ], "seq": {"to":2, "more":[1], "from":1 }, "epoch":1, "endpoint":"ep_1", "timestamp":"2026-11-21T03:00:00Z", "type":"webhooks.batch", "id":"batch_1" }
            """;
        Assert.Equal(204, await _app.DeliverAsync(("batch_1", Encoding.UTF8.GetBytes(body))));
        await _app.UntilProcessedAsync(2);
        Assert.Equal([1, 2], _handled);
        var inbox = _app.Services.GetSource().Inbox;
        Assert.Equal([Text(1), second], (await inbox.ReadAsync(TestApp.Source, 1, 10, default)).Select(one => Encoding.UTF8.GetString(one.Body.Span)));
    }

    [Fact]
    public async Task Batch_Twice_Overlapping_AndInPieces_EachEventIsStoredOnce()
    {
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(1, 5)));
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(1, 5)));
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(4, 8)));
        Assert.Equal(204, await _app.DeliverAsync(7));
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(9, 9)));
        await _app.UntilProcessedAsync(9);
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(2, 3)));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], _handled);
        var counts = (await _app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((9, 10), (counts.Received, counts.Duplicates));
    }

    [Fact]
    public async Task Batch_BesideAGap_WaitsForIt()
    {
        Assert.Equal(204, await _app.DeliverAsync(1));
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(4, 6)));
        // Before the stream has begun there is no place for a gap to be at.
        await Wait.UntilAsync(async () => (await _app.StreamAsync()).Gaps is [{ From: 2, To: 3 }]);
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(2, 5)));
        await _app.UntilProcessedAsync(6);
        Assert.Equal([1, 2, 3, 4, 5, 6], _handled);
    }

    [Fact]
    public async Task Batch_AConflictInIt_Answers409_StoresNoneAndBlocks()
    {
        Assert.Equal(204, await _app.DeliverAsync(2, id: "evt_other"));
        Assert.Equal(409, await _app.DeliverAsync(Sent.Batch(1, 3)));
        var state = await _app.Services.GetInboxAsync();
        Assert.Equal((1L, 2L, 2L), (state.Counts.Received, state.Lowest, state.Highest));
        Assert.Equal((HoldReason.StreamConflict, 2L, "evt_1_2"), (state.Hold?.Reason, state.Hold?.Seq, state.Hold?.EventId));
    }

    [Fact]
    public async Task Batch_OfAnotherEndpoint_Answers400AndIsSurfaced()
    {
        Assert.Equal(204, await _app.DeliverAsync(1));
        Assert.Equal(400, await _app.DeliverAsync(Sent.Batch(2, 3, endpoint: "ep_other")));
        Assert.Equal("ep_other", (await _app.Status.GetAsync(TestApp.Source)).RefusedEndpoint);
        Assert.Equal(1, (await _app.StreamAsync()).HighestStored);
    }

    [Fact]
    public async Task Batch_NotVerified_OrUnderAnotherId_IsRefused()
    {
        var one = Sent.Batch(1, 2);
        using var unverified = await _app.SendAsync(TestApp.Request(one.Id, one.Body, WebhookSecret.Generate()));
        Assert.Equal(401, (int)unverified.StatusCode);
        Assert.Equal(400, await _app.DeliverAsync(("batch_other", one.Body)));
        Assert.Equal(0, (await _app.Status.GetAsync(TestApp.Source)).Counts.Received);
    }

    [Fact]
    public async Task Batch_OfAThousand_AndOfHalfAMebibyte_IsTakenByDefault_AndBeyondTheLimitAnswers413()
    {
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(1, 1000)));
        var large = Sent.Batch(1001, 1512, data: $"\"{new string('x', 1000)}\"");
        Assert.InRange(large.Body.Length, 512 * 1024, 640 * 1024);
        Assert.Equal(204, await _app.DeliverAsync(large));
        var tooLarge = Sent.Batch(1513, 2512, data: $"\"{new string('x', 1000)}\"");
        using var request = TestApp.Request(tooLarge.Id, tooLarge.Body);
        // Otherwise the answer comes while the body is still being sent, and is lost with the connection. The client waits for it, and not just for its second.
        request.Headers.ExpectContinue = true;
        using var refused = await _app.SendAsync(request);
        Assert.Equal(413, (int)refused.StatusCode);
        await _app.UntilProcessedAsync(1512);
        Assert.Equal(Enumerable.Range(1, 1512).Select(seq => (long)seq), _handled);
    }

    [Fact]
    public async Task Void_AloneAndInABatch_PassesWithoutAHandler()
    {
        Assert.Equal(204, await _app.DeliverAsync(("evt_1_1", Sent.Void(1))));
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(2, 4, [Sent.Event(2).Body, Sent.Void(3), Sent.Event(4).Body])));
        await _app.UntilProcessedAsync(4);
        Assert.Equal([2, 4], _handled);
        Assert.Equal((2, 2), ((await _app.Status.GetAsync(TestApp.Source)).Counts.Void, (await _app.Status.GetAsync(TestApp.Source)).Counts.Processed));
    }

    [Fact]
    public async Task Batch_BySignedWebhookClient_IsTaken()
    {
        using var http = new HttpClient();
        var client = new SignedWebhookClient(http, new Uri(_app.Address, "/hooks/acme"), TestApp.Secret);
        using var answer = await client.PostBatchAsync("order.changed", 1, 3, seq => seq == 2 ? null : $$"""{"n":{{seq}}}""");
        Assert.Equal(204, (int)answer.StatusCode);
        await _app.UntilProcessedAsync(3);
        Assert.Equal([1, 3], _handled);
    }

    [Fact]
    public async Task Batch_InboxFull_Answers503_StoresNone_AndIsTakenWhenThereIsRoom()
    {
        var release = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(
            options => options.InboxLimit = 5, builder => builder.HandleFallback((_, _, _) => release.Task));
        Assert.Equal(204, await app.DeliverAsync(Sent.Batch(1, 6)));
        Assert.Equal(503, await app.DeliverAsync(Sent.Batch(5, 9)));
        Assert.Equal(503, await app.DeliverAsync(7));
        Assert.Equal(6, (await app.StreamAsync()).HighestStored);
        release.SetResult();
        await app.UntilProcessedAsync(6);
        Assert.Equal(204, await app.DeliverAsync(Sent.Batch(5, 9)));
        await app.UntilProcessedAsync(9);
    }

    [Fact]
    public async Task Batch_ThatFailsHalfWay_Answers503_LeavesNothing_AndIsTakenLater()
    {
        Assert.Equal(204, await _app.DeliverAsync(1));
        await _app.UntilProcessedAsync(1);
        Execute("CREATE TRIGGER trouble BEFORE INSERT ON received WHEN NEW.seq = 4 BEGIN SELECT RAISE(ABORT, 'trouble'); END");
        Assert.Equal(503, await _app.DeliverAsync(Sent.Batch(2, 5)));
        Assert.Equal(1L, Execute("SELECT count(*) FROM received"));
        Execute("DROP TRIGGER trouble");
        Assert.Equal((1L, 1L, 0L), await StandingAsync());
        Assert.Equal(204, await _app.DeliverAsync(Sent.Batch(2, 5)));
        await _app.UntilProcessedAsync(5);
        Assert.Equal((5L, 5L, 0L), await StandingAsync());
        Assert.Equal([1, 2, 3, 4, 5], _handled);

        async Task<(long, long, long)> StandingAsync()
        {
            var state = await _app.Services.GetInboxAsync();
            return (state.Counts.Received, state.Highest, state.Counts.Duplicates);
        }
    }

    /// <summary>Promise 4: however batches, single deliveries and the feed overlap, each effect comes once, and in order.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Effects_OfOverlappingBatchesSinglesAndFeed_AreOnceAndInOrder(int seed)
    {
        const int Last = 400;
        var random = new Random(seed);
        await using var feed = await FeedServer.StartAsync(Last);
        await using var app = await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint, options.BackfillPageSize) = (feed.Address, Sent.Endpoint, 30),
            builder => builder.HandleFallback(async (one, context, ct) =>
            {
                await using var command = context.Connection.CreateCommand();
                command.Transaction = context.Transaction;
                command.CommandText = $"CREATE TABLE IF NOT EXISTS effect (place INTEGER PRIMARY KEY, seq INTEGER); INSERT INTO effect (seq) VALUES ({one.Seq})";
                await command.ExecuteNonQueryAsync(ct);
            }));
        var sends = Enumerable.Range(0, 80).Select(_ =>
        {
            var from = random.Next(1, Last + 1);
            return random.Next(3) == 0 ? Sent.Event(from) : Sent.Batch(from, Math.Min(Last, from + random.Next(40)));
        }).ToList();
        await Parallel.ForEachAsync(sends, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (one, _) => Assert.Equal(204, await app.DeliverAsync(one)));
        await app.UntilProcessedAsync(Last);
        using var marks = new SqliteConnection($"Data Source={Path.Combine(app.Folder, "inbox.processed.db")};Pooling=False");
        marks.Open();
        using var read = marks.CreateCommand();
        read.CommandText = "SELECT group_concat(seq) FROM (SELECT seq FROM effect ORDER BY place)";
        Assert.Equal(string.Join(',', Enumerable.Range(1, Last)), read.ExecuteScalar());
    }

    private static string Text(long seq) => Encoding.UTF8.GetString(Sent.Event(seq).Body);

    private static string Of(long from, long to, params long[] numbers) => Frame(from, to, [.. numbers.Select(Text)]);

    private static string Frame(long from, long to, params string[] envelopes) =>
        Encoding.UTF8.GetString(Sent.Batch(from, to, [.. envelopes.Select(Encoding.UTF8.GetBytes)]).Body);

    private object? Execute(string sql)
    {
        using var other = new SqliteConnection($"Data Source={_app.InboxPath};Pooling=False");
        other.Open();
        using var command = other.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
