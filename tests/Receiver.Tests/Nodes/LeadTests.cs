namespace Webhooks.Receiver.Tests;

/// <summary>Promise 10 on the receiver's side: one node at a time processes a source; a dead one's work is taken over, and a late one commits nothing.</summary>
public sealed class LeadTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    private readonly string _schema = TestDatabase.NewSchema();
    private PostgreSqlInbox _one = null!;
    private PostgreSqlInbox _other = null!;

    // So long a lease that none is renewed, and none is looked at by those who are not told, before a test has ended.
    public async Task InitializeAsync() => (_one, _other) = (await TestDatabase.OpenAsync(_schema, Long), await TestDatabase.OpenAsync(_schema, Long));

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Lead_TwoNodesOneSource_OnlyOneGetsIt()
    {
        for (var i = 0; i < 10; i++)
        {
            var source = $"source_{i}";
            var (one, other) = (_one.LeadAsync(source, default), _other.LeadAsync(source, default));
            var lead = await await Task.WhenAny(one, other).WaitAsync(Wait.Limit);
            var waiting = one.IsCompleted ? other : one;
            Assert.False(waiting.IsCompleted);
            await lead.DisposeAsync();
            await (await waiting.WaitAsync(Wait.Limit)).DisposeAsync();
        }
    }

    [Fact]
    public async Task Lead_GivenBack_TheOtherNodeHasItAtOnce()
    {
        var lead = await _one.LeadAsync("acme", default);
        var waiting = _other.LeadAsync("acme", default);
        await lead.DisposeAsync();
        await using var next = await waiting.WaitAsync(Wait.Limit);
        Assert.True(lead.Lost.IsCancellationRequested);
        Assert.False(next.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task Lead_OfANodeThatDied_IsTakenOverWithinTheLease()
    {
        await using var dying = await TestDatabase.OpenAsync(_schema, TimeSpan.FromSeconds(1), new StoppedTime());
        await using var waiting = await TestDatabase.OpenAsync(_schema, TimeSpan.FromSeconds(6));
        await dying.LeadAsync("acme", default);
        await using var taken = await waiting.LeadAsync("acme", default).WaitAsync(Wait.Limit);
        Assert.False(taken.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task Lead_Renewed_OutlivesItsLease()
    {
        await using var leading = await TestDatabase.OpenAsync(_schema, TimeSpan.FromSeconds(4));
        await using var lead = await leading.LeadAsync("acme", default);
        var first = await ExpiresAsync();
        await Wait.UntilAsync(async () => await ExpiresAsync() > first + TimeSpan.FromSeconds(4));
        Assert.False(lead.Lost.IsCancellationRequested);
    }

    /// <summary>The node was suspended in the middle of a handler, and another one has taken its place: whether or not that one has done anything yet.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Commit_OfANodeThatLostItsLeaseUnawares_IsRolledBack(bool passed)
    {
        var late = await LateAsync();
        await using (late.Transaction)
        {
            await using var next = await _other.LeadAsync("acme", default);
            if (passed) await SettleAsync(_other, 1);
            await Assert.ThrowsAsync<InboxUnavailableException>(() => late.Transaction.CommitAsync(default));
        }

        Assert.True(late.Lead.Lost.IsCancellationRequested);
        Assert.Equal(passed ? 1 : 0, (await _other.GetStateAsync("acme", default)).Position?.Seq);
    }

    /// <summary>A mark beyond the watermark too: two nodes' watermarks would not contradict each other there.</summary>
    [Fact]
    public async Task Commit_OfAMarkBeyondTheWatermark_OfANodeThatLostItsLease_IsRolledBack()
    {
        await using var lead = await _one.LeadAsync("acme", default);
        await BeginAsync();
        await using var late = await _one.BeginAsync("acme", default);
        Assert.True(await late.MarkAsync(Sent.Stored(2).Key, Settlement.Processed, default));
        await ExpireAsync();
        await using var next = await _other.LeadAsync("acme", default);
        await Assert.ThrowsAsync<InboxUnavailableException>(() => late.CommitAsync(default));
        Assert.Empty((await _other.GetStateAsync("acme", default)).SettledAhead);
    }

    [Fact]
    public async Task Begin_OfANodeThatLostItsLeaseUnawares_FindsItOut()
    {
        var late = await LateAsync();
        await using var transaction = late.Transaction;
        await using var next = await _other.LeadAsync("acme", default);
        await using var again = await _one.BeginAsync("acme", default);
        Assert.False(await again.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
    }

    /// <summary>What a late node has to say of a failure is old, and would stop the stream that another one has moved on.</summary>
    [Fact]
    public async Task Hold_OfANodeThatLostItsLease_IsNotStored()
    {
        var late = await LateAsync();
        await using var transaction = late.Transaction;
        await using var next = await _other.LeadAsync("acme", default);
        await _one.SetHoldAsync("acme", new StreamHold(HoldReason.HandlerFailed, 1, "evt_1_1", 10, "late", null), clearConflict: false, default);
        Assert.Null((await _other.GetStateAsync("acme", default)).Hold);
    }

    /// <summary>An operator may ask any process for another attempt, one that led before, too: what it lifts it has not found out itself.</summary>
    [Fact]
    public async Task Hold_LiftedByANodeThatLostItsLease_IsLifted()
    {
        var late = await LateAsync();
        await using var transaction = late.Transaction;
        await using var next = await _other.LeadAsync("acme", default);
        await _other.SetHoldAsync("acme", new StreamHold(HoldReason.HandlerFailed, 1, "evt_1_1", 10, "broken", null), clearConflict: false, default);
        await _one.SetHoldAsync("acme", null, clearConflict: false, default);
        Assert.Null((await _other.GetStateAsync("acme", default)).Hold);
    }

    [Fact]
    public async Task Lead_ThatWasSuspendedAndNotTaken_GoesOn()
    {
        var late = await LateAsync();
        await using var lead = late.Lead;
        await using (late.Transaction) await late.Transaction.CommitAsync(default);
        Assert.False(lead.Lost.IsCancellationRequested);
        Assert.Equal(1, (await _other.GetStateAsync("acme", default)).Position?.Seq);
    }

    [Fact]
    public async Task Store_OnANodeThatDoesNotLead_WakesTheOneThatDoes()
    {
        await using var lead = await _one.LeadAsync("acme", default);
        var news = _one.WaitForNewsAsync("acme", default);
        await _other.StoreAsync("acme", [Sent.Stored(1)], new StoreRules(100), default);
        await news.WaitAsync(Wait.Limit);
        Assert.True(await _one.RefreshAsync("acme", default));
        Assert.False(await _one.RefreshAsync("acme", default));
    }

    [Fact]
    public async Task Idle_NothingIsWrittenButTheLease()
    {
        await using var leading = await TestDatabase.OpenAsync(_schema, TimeSpan.FromSeconds(4));
        await using var lead = await leading.LeadAsync("acme", default);
        await using var second = await leading.LeadAsync("other", default);
        var before = await RowsAsync();
        var first = await ExpiresAsync();
        await Wait.UntilAsync(async () => await ExpiresAsync() > first + TimeSpan.FromSeconds(1));
        Assert.Equal(before, await RowsAsync());

        // A row that was written is another version of it.
        async Task<string> RowsAsync() => (string)(await TestDatabase.RunAsync(
            $"SELECT (SELECT string_agg(xmin::text, ',') FROM {_schema}.source) || ';' || (SELECT string_agg(xmin::text, ',') FROM {_schema}.progress)"))!;
    }

    private async Task<(IInboxLead Lead, IInboxTransaction Transaction)> LateAsync()
    {
        var lead = await _one.LeadAsync("acme", default);
        await BeginAsync();
        var transaction = await _one.BeginAsync("acme", default);
        Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, 0), new StreamPosition(1, 1), Settlement.Processed, default));
        await ExpireAsync();
        return (lead, transaction);
    }

    private async Task BeginAsync()
    {
        await _one.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await _one.StartAsync("acme", new StreamPosition(1, 0), false, default);
        await _one.StoreAsync("acme", [Sent.Stored(1), Sent.Stored(2)], new StoreRules(100), default);
    }

    private static async Task SettleAsync(PostgreSqlInbox inbox, long seq)
    {
        await using var transaction = await inbox.BeginAsync("acme", default);
        Assert.True(await transaction.AdvanceAsync(new StreamPosition(1, seq - 1), new StreamPosition(1, seq), Settlement.Processed, default));
        await transaction.CommitAsync(default);
    }

    private async Task ExpireAsync() => await TestDatabase.RunAsync($"UPDATE {_schema}.lease SET expires_at = now() - interval '1 second'");

    private async Task<DateTime> ExpiresAsync() => (DateTime)(await TestDatabase.RunAsync($"SELECT expires_at FROM {_schema}.lease WHERE source = 'acme'"))!;

    /// <summary>The clock of a process that no longer runs: no timer of it ever fires.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
