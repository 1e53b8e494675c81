namespace Webhooks.Receiver.Tests;

/// <summary>
/// Plays a course of steps with two nodes on one PostgreSQL inbox, and judges it: the effects are those of 1 to n, each once and in order, and a node whose
/// lease was taken while it was suspended has committed nothing.
/// </summary>
internal sealed class TwoNodeCourse : IDisposable
{
    private readonly CourseLane _lane;
    private readonly CourseTime _time = new();
    private readonly string _source = CourseLane.NewSource();
    private readonly CourseNode[] _nodes;
    private readonly List<CourseNode> _made = [];
    private readonly List<long> _undelivered = [];
    private readonly List<long> _delivered = [];
    private readonly HashSet<long> _skipped = [];
    private long _head;

    private TwoNodeCourse(CourseLane lane)
    {
        _lane = lane;
        _nodes = [Node(), Node()];
    }

    public static async Task<bool> RunAsync(CourseLane lane, TwoNodeStep[] steps)
    {
        lane.Feed.Events.Clear();
        using var course = new TwoNodeCourse(lane);
        foreach (var step in steps)
        {
            var one = course.DoAsync(step.What, step.Node, step.Which);
            if (step.Beside is { } also) await Task.WhenAll(one, course.DoAsync(also, 1 - step.Node, step.Which));
            await one;
        }

        await course.FinishAsync();
        return true;
    }

    public void Dispose() => _made.ForEach(node => node.Dispose());

    private CourseNode Node()
    {
        var node = new CourseNode(_lane, _source, _time);
        _made.Add(node);
        return node;
    }

    private async Task DoAsync(Act what, int index, int which)
    {
        var node = _nodes[index];
        // A suspended process does nothing, and nothing can be asked of it.
        if (node.IsHung && what is not (Act.Wake or Act.Crash or Act.Publish or Act.Expire or Act.Pass)) return;
        switch (what)
        {
            case Act.Publish: Publish(which); break;
            case Act.Deliver: await DeliverAsync(node, which); break;
            case Act.DeliverAgain: await DeliverAgainAsync(node, which); break;
            case Act.Lead: await node.LeadAsync(); break;
            case Act.Renew: await node.RenewAsync(); break;
            case Act.Pump: await node.PumpAsync(); break;
            case Act.Hang: await node.HangAsync(); break;
            case Act.Wake: await WakeAsync(node); break;
            case Act.Fail: node.Fails = true; break;
            case Act.Backfill: await node.BackfillAsync(); break;
            case Act.Stop: await node.StopAsync(); break;
            case Act.Expire: await ExpireAsync(); break;
            case Act.Pass: _time.Pass(TimeSpan.FromSeconds(6)); break;
            case Act.Skip: await SkipAsync(node); break;
            default:
                await node.CrashAsync();
                _nodes[index] = Node();
                break;
        }
    }

    private void Publish(int count)
    {
        lock (_undelivered)
        {
            _lane.Feed.Add(_head + 1, _head + 1 + count);
            for (var end = _head + 1 + count; _head < end;) _undelivered.Add(++_head);
        }
    }

    private async Task DeliverAsync(CourseNode node, int which)
    {
        long seq;
        lock (_undelivered)
        {
            if (_undelivered.Count == 0) return;
            // Not always the next: what is passed over may come later, or from the feed alone.
            seq = _undelivered[which % Math.Min(3, _undelivered.Count)];
            _undelivered.Remove(seq);
            _delivered.Add(seq);
        }

        await node.DeliverAsync(Sent.Stored(seq));
    }

    private async Task DeliverAgainAsync(CourseNode node, int which)
    {
        long seq;
        lock (_undelivered)
        {
            if (_delivered.Count == 0) return;
            seq = _delivered[^(1 + (which % _delivered.Count))];
        }

        await node.DeliverAsync(Sent.Stored(seq));
    }

    private async Task WakeAsync(CourseNode node)
    {
        if (!node.IsHung) return;
        var (held, holds) = (node.LeaseEpoch, (long)(await TestDatabase.RunAsync($"SELECT epoch FROM {_lane.Schema}.lease WHERE source = '{_source}'"))!);
        await node.WakeAsync();
        if (held == holds) return;
        var committed = await TestDatabase.RunAsync($"SELECT count(*) FROM {_lane.Effects} WHERE call = '{node.HungCall}' AND source = '{_source}'");
        if (committed is not 0L) throw new InvalidOperationException($"A node that was suspended with lease epoch {held} committed when {holds} was given.");
    }

    /// <summary>What the operator's skip does: it compares the watermark, and no lease.</summary>
    private async Task SkipAsync(CourseNode node)
    {
        if ((await node.Inbox.GetStateAsync(_source, default)).Position is not { } at) return;
        if (await node.Inbox.ReadAsync(_source, at.Seq + 1, 1, default) is not [var next] || next.Seq != at.Seq + 1) return;
        await using var transaction = await node.Inbox.BeginAsync(_source, default);
        if (!await transaction.AdvanceAsync(at, at with { Seq = next.Seq }, Settlement.Skipped, default)) return;
        try
        {
            await transaction.CommitAsync(default);
            _skipped.Add(next.Seq);
        }
        catch (InboxUnavailableException)
        {
        }
    }

    private async Task ExpireAsync() => await TestDatabase.RunAsync($"UPDATE {_lane.Schema}.lease SET expires_at = '-infinity' WHERE source = '{_source}'");

    /// <summary>Nothing bad happens any more: one node catches up with the sender.</summary>
    private async Task FinishAsync()
    {
        foreach (var node in _nodes) await WakeAsync(node);
        await ExpireAsync();
        var last = _nodes[0];
        (last.Fails, _nodes[1].Fails) = (false, false);
        await last.StopAsync();
        await last.LeadAsync();
        // What the interval does, at its end.
        last.Probe();
        for (var turn = 0; turn < 30 && (await last.Inbox.GetStateAsync(_source, default)).Position?.Seq != _head && _head > 0; turn++)
        {
            _time.Pass(TimeSpan.FromSeconds(6));
            await last.BackfillAsync();
            await last.PumpAsync();
        }

        var effects = await EffectsAsync();
        var expected = Enumerable.Range(1, (int)_head).Select(seq => (long)seq).Where(seq => !_skipped.Contains(seq)).ToList();
        if (!effects.SequenceEqual(expected))
            throw new InvalidOperationException($"Of {_head} numbers ({string.Join(",", _skipped)} skipped) the effects are {string.Join(",", effects)}.");
        var state = await last.Inbox.GetStateAsync(_source, default);
        if (state.Waiting != 0 || state.Counts.Processed + state.Counts.Skipped != _head || state.Counts.Received + state.Counts.Backfilled != _head)
            throw new InvalidOperationException($"The counts do not balance at {_head}: {state.Counts}, {state.Waiting} waiting.");
        await last.StopAsync();
    }

    private async Task<List<long>> EffectsAsync()
    {
        var effects = new List<long>();
        await using var command = _lane.Data.CreateCommand($"SELECT seq FROM {_lane.Effects} WHERE source = $1 ORDER BY entry");
        command.Parameters.Add(new() { Value = _source });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) effects.Add(reader.GetInt64(0));
        return effects;
    }
}
