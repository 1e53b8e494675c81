using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>Promises 11 and 12 where several nodes store into one inbox: whatever the order, the decisions are those of one.</summary>
public sealed class PostgreSqlSharingTests : IAsyncLifetime
{
    private readonly string _schema = TestDatabase.NewSchema();
    private PostgreSqlInbox _one = null!;
    private PostgreSqlInbox _other = null!;

    public async Task InitializeAsync() => (_one, _other) = (await TestDatabase.OpenAsync(_schema), await TestDatabase.OpenAsync(_schema));

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Store_OneNumberForTwoEvents_OnTwoNodesAtOnce_OneIsStoredAndTheOtherIsAConflict()
    {
        await BeginAsync();
        for (var seq = 1; seq <= 50; seq++)
        {
            var outcomes = await Task.WhenAll(StoreAsync(_one, Sent.Stored(seq, id: $"evt_a{seq}")), StoreAsync(_other, Sent.Stored(seq, id: $"evt_b{seq}")));
            Assert.Equal([StoreOutcome.Stored, StoreOutcome.Conflict], outcomes.Order());
        }

        var state = await _one.GetStateAsync("acme", default);
        Assert.Equal((50L, 50L, HoldReason.StreamConflict), (state.Waiting, state.Counts.Received, state.Hold?.Reason));
    }

    [Fact]
    public async Task Store_OneEventOnTwoNodesAtOnce_IsStoredOnce()
    {
        await BeginAsync();
        for (var seq = 1; seq <= 50; seq++)
        {
            var one = Sent.Stored(seq);
            Assert.Equal([StoreOutcome.Stored, StoreOutcome.Duplicate], (await Task.WhenAll(StoreAsync(_one, one), StoreAsync(_other, one))).Order());
        }

        var state = await _other.GetStateAsync("acme", default);
        Assert.Equal((50L, 50L, 50L), (state.Contiguous, state.Counts.Received, state.Counts.Duplicates));
    }

    [Fact]
    public async Task Store_FirstDeliveriesOfTwoEndpoints_OnTwoNodesAtOnce_OneBindsTheSource()
    {
        for (var i = 0; i < 20; i++)
        {
            var source = $"source_{i}";
            var outcomes = await Task.WhenAll(
                _one.StoreAsync(source, [Sent.Stored(1, endpoint: "ep_1")], new StoreRules(100), default),
                _other.StoreAsync(source, [Sent.Stored(1, endpoint: "ep_2")], new StoreRules(100), default));
            Assert.Equal([StoreOutcome.Stored, StoreOutcome.OtherEndpoint], outcomes.Select(each => each[0]).Order());
        }
    }

    [Fact]
    public async Task Store_AtTheLimit_OnTwoNodesAtOnce_StoresNoMore()
    {
        await BeginAsync();
        // Number 1 is missing, so that none of them fills a gap.
        var outcomes = await Task.WhenAll(Enumerable.Range(2, 60).Select(seq => StoreAsync(seq % 2 == 0 ? _one : _other, Sent.Stored(seq), limit: 25)));
        Assert.Equal(25, outcomes.Count(one => one == StoreOutcome.Stored));
        Assert.Equal(25, (await _one.GetStateAsync("acme", default)).Waiting);
    }

    [Fact]
    public async Task Store_ManyAtOnce_ShareCommits()
    {
        await BeginAsync();
        await StoreAsync(_one, Sent.Stored(1));
        var before = await RevisionAsync();
        await Task.WhenAll(Enumerable.Range(2, 300).Select(seq => StoreAsync(_one, Sent.Stored(seq))));
        Assert.InRange(await RevisionAsync() - before, 1, 30);
        Assert.Equal(301, (await _other.GetStateAsync("acme", default)).Contiguous);
    }

    /// <summary>An insert that meets a row which an open transaction has changed would wait for it, and with it everybody's deliveries.</summary>
    [Fact]
    public async Task Store_WhileAHandlersTransactionIsOpen_WaitsForNothing()
    {
        await BeginAsync();
        await StoreAsync(_one, Sent.Stored(1));
        await StoreAsync(_one, Foreign("msg_1"));
        await using var handler = await _one.BeginAsync("acme", default);
        Assert.True(await handler.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
        Assert.True(await handler.MarkAsync(new EventKey(0, 0, "msg_1"), Settlement.Processed, default));
        foreach (var inbox in new[] { _one, _other })
        {
            Assert.Equal(StoreOutcome.Duplicate, await StoreAsync(inbox, Sent.Stored(1)).WaitAsync(Wait.Limit));
            Assert.Equal(StoreOutcome.Duplicate, await StoreAsync(inbox, Foreign("msg_1")).WaitAsync(Wait.Limit));
        }

        Assert.Equal(StoreOutcome.Stored, await StoreAsync(_other, Sent.Stored(2)).WaitAsync(Wait.Limit));
        await handler.CommitAsync(default);
        Assert.Equal((1L, 1L, 0L), ((await _other.GetStateAsync("acme", default)).Position!.Value.Seq, (await _other.GetStateAsync("acme", default)).Waiting,
            (await _other.GetStateAsync("acme", default)).UnnumberedWaiting));
    }

    [Fact]
    public async Task Store_TheNumberBeforeALongRun_MakesAllOfItContiguous()
    {
        await BeginAsync();
        await _one.StoreAsync("acme", [.. Enumerable.Range(2, 2500).Select(seq => Sent.Stored(seq))], new StoreRules(10_000), default);
        Assert.Equal(0, (await _other.GetStateAsync("acme", default)).Contiguous);
        await StoreAsync(_other, Sent.Stored(1));
        Assert.Equal(2501, (await _one.GetStateAsync("acme", default)).Contiguous);
        await _one.StoreAsync("acme", [.. Enumerable.Range(2502, 1200).Reverse().Select(seq => Sent.Stored(seq))], new StoreRules(10_000), default);
        Assert.Equal(3701, (await _one.GetStateAsync("acme", default)).Contiguous);
    }

    /// <summary>Two that settle one event, each in a transaction of its own: one commits, and what the other did is rolled back.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Settle_OneEventInTwoTransactions_OneCommits(bool oneByItself)
    {
        await BeginAsync();
        await StoreAsync(_one, Sent.Stored(1));
        await using var first = await _one.BeginAsync("acme", default);
        await using var second = await _other.BeginAsync("acme", default);
        Assert.True(await first.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
        Assert.True(oneByItself
            ? await second.MarkAsync(Sent.Stored(1).Key, Settlement.Processed, default)
            : await second.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
        var ended = await Task.WhenAll(CommitsAsync(first), CommitsAsync(second));
        Assert.Single(ended, true);
        Assert.Equal(1, (await _one.GetStateAsync("acme", default)).Counts.Processed);
    }

    [Fact]
    public async Task Store_AfterTheServerWasAway_GoesOn()
    {
        // A database of its own: the connections of all others' tests are not to be cut.
        var database = await SharedPostgres.CreateDatabaseAsync();
        await using var one = TestDatabase.Open(database, _schema);
        await using var other = TestDatabase.Open(database, _schema);
        await one.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await one.StartAsync("acme", new StreamPosition(1, 0), false, default);
        await StoreAsync(one, Sent.Stored(1));
        await TestDatabase.RunAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{new NpgsqlConnectionStringBuilder(database).Database}'");
        await Wait.UntilAsync(async () =>
        {
            try
            {
                return await StoreAsync(one, Sent.Stored(2)) is StoreOutcome.Stored or StoreOutcome.Duplicate;
            }
            catch (InboxUnavailableException)
            {
                return false;
            }
        });
        Assert.Equal(2, (await other.GetStateAsync("acme", default)).Contiguous);
    }

    private async Task BeginAsync()
    {
        await _one.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await _one.StartAsync("acme", new StreamPosition(1, 0), false, default);
    }

    private async Task<long> RevisionAsync() => (long)(await TestDatabase.RunAsync($"SELECT revision FROM {_schema}.source"))!;

    private static async Task<bool> CommitsAsync(IInboxTransaction transaction)
    {
        try
        {
            await transaction.CommitAsync(default);
            return true;
        }
        catch (InboxUnavailableException)
        {
            return false;
        }
    }

    private static InboxEvent Foreign(string id) => new(id, null, 0, 0, "{}"u8.ToArray(), DateTimeOffset.UtcNow);

    private static async Task<StoreOutcome> StoreAsync(IWebhookInbox inbox, InboxEvent one, int limit = 1000) =>
        (await inbox.StoreAsync("acme", [one], new StoreRules(limit), default))[0];
}
