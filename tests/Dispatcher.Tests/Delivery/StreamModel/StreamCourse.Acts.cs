using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Nodes;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

/// <summary>The operations, each through the classes that do it in the dispatcher.</summary>
internal sealed partial class StreamCourse
{
    private async Task<Act?> PrepareAsync(StreamStep step)
    {
        var which = step.Which;
        var seq = model.Floor + (which % (model.Head - model.Floor + 3)) - 1;
        switch (step.What)
        {
            case What.Claim: return Claim(_nodes[step.Who % _nodes.Count]);
            case What.Pause: return new("pause", async () => await lane.PauseAsync(subject.Id) ? "waits for the holder" : "stopped", (m, _) => m.Pause());
            case What.Resume: return Resume(null);
            case What.ResumeAfter: return Resume(seq);
            case What.ResumeForReceiver: return new($"receiver's resume after {seq}", () => ResumeForReceiverAsync(seq), (m, _) => $"{m.ResumeForReceiver(seq)}");
            case What.Serve: return Serve(model.Cursor, Math.Min(model.Cursor + which, model.Head));
            case What.Replay: return Replay(seq, seq + (which / 7));
            case What.Skip:
                // Mostly one that may be skipped.
                var poisoned = which % 3 == 0 ? seq : which % 3 == 1 && model.Deferred.Count > 0 ? model.Deferred.Keys.ElementAt(which % model.Deferred.Count) : model.Cursor + 1;
                return new($"skip {poisoned}", () => RefusableAsync(() => lane.Control.SkipAsync(subject.Id, poisoned, default)), (m, _) => Word(m.Skip(poisoned)));
            case What.RaiseFloor:
                return new($"raise floor to {seq}", () => OkAsync(lane.Control.RaiseFloorAsync(subject.Id, seq, default)), (m, _) => Ok(() => m.RaiseFloor(seq)));
            case What.RaiseEpoch:
                return new("raise epoch", async () => $"{(await lane.Platform.Get<IWebhookDispatcherAdministration>().RaiseEpochAsync("a model check")).Epoch}",
                    (m, epoch) => Ok(() => m.RaiseEpoch(int.Parse(epoch)), epoch));
            case What.EndNode:
                var live = _nodes.FindAll(node => node.IsLive);
                return EndNode(live[step.Who % live.Count], which % 2 == 0);
            case What.Grow: return new("grow", () => OkAsync(lane.GrowAsync(subject.Type, 1 + (which % 2))), (m, _) => Ok(() => m.Grow(1 + (which % 2))));
            case What.PassTime: return PassTime();
            default: return _senders.Count == 0 ? null : await PrepareAsync(step, _senders[^(1 + (step.Who % _senders.Count))]);
        }
    }

    private async Task<Act?> PrepareAsync(StreamStep step, ModelSender sender)
    {
        switch (step.What)
        {
            case What.Send:
                var (given, _) = await LookAsync(sender);
                _account.Add($"sends {string.Join(' ', sender.Send(given, 1 + (step.Which % ModelLane.MaxInFlight)))}");
                return null;
            case What.Succeed:
                sender.Succeed(step.Which);
                return Defer(sender);
            case What.Refuse:
                sender.Refuse(step.Which);
                return Defer(sender);
            case What.SucceedBeside or What.RefuseBeside:
                // What has ended must be written first, or it would be read again.
                if (Settle(sender) is { } before) await DoAsync(before);
                var (_, beside) = await LookAsync(sender);
                if (beside.Count == 0 || sender.Unwritten is not null) return null;
                var one = beside[step.Which % beside.Count];
                if (step.What == What.SucceedBeside) sender.SucceedBeside(one);
                else sender.RefuseBeside(one);
                return Defer(sender);
            case What.Settle: return Settle(sender);
            case What.SettleInVain:
                if (SettleInVain(sender) is { } inVain) await DoAsync(inVain);
                return null;
            case What.Gone or What.Fail:
                sender.Judge(step.What == What.Gone && sender.Gone());
                if (sender.Failure is null) return null;
                if (Defer(sender) is { } defer) await DoAsync(defer);
                if (Settle(sender) is { } settle) await DoAsync(settle);
                return Fail(sender);
            case What.Release:
                return new("release", () => OkAsync(sender.Node.Leases.ReleaseAsync(sender.Lease, default)), (m, _) => Ok(() => m.Release(sender.Node.Id, sender.Lease)));
            default: return ReleaseIdle(sender);
        }
    }

    private Act Claim(ModelNode node) => new(
        node.IsLive ? "claim" : "claim by a node that is gone",
        async () =>
        {
            var leases = await node.Leases.ClaimAsync(10, default);
            if (leases.Count == 0) return "nothing";
            var lease = Assert.Single(leases);
            Assert.Equal(subject.Id, lease.Id);
            _senders.Add(new ModelSender(node, lease, _options));
            return StreamModel.Describe(lease.LeaseEpoch, lease.Version, lease.Epoch, lease.Cursor, lease.Ahead.Order(), lease.DeferredAhead.Order());
        },
        (m, _) => m.Claim(node.Id, node.IsLive));

    private async Task<(List<long> Stream, List<DeferredEvent> Beside)> LookAsync(ModelSender sender)
    {
        var read = await lane.Platform.Get<ReadAhead>().ReadAsync(sender.Lease, sender.Lease.Cursor, 0, 100, default);
        var (beside, _) = await sender.Node.Deferred.ReadDueAsync(sender.Lease, 100, default);
        var given = read.Items.Select(item => item.Seq).ToList();
        var told = $"[{string.Join(' ', given)}] [{string.Join(' ', beside.Select(one => one.Item.Seq).Order())}]";
        _account.Add($"is given {told}");
        Assert.Equal(model.Look(sender.Lease), told);
        return (given, beside);
    }

    private static Act? Settle(ModelSender sender)
    {
        if (sender.Unwritten is not { } settlement) return null;
        var forget = sender.Forgets;
        return new($"settle up to {settlement.Cursor}", async () => Word(await sender.Node.Settler.SettleAsync(sender.Lease, settlement, forget)),
            (m, _) => Word(m.Settle(sender.Node.Id, sender.Lease, settlement, forget)), told =>
            {
                if (told == "done") sender.Settled(forget);
            });
    }

    /// <summary>The server crashes before the settle has come to the disk, and the sender does not know. Not at the same time as something else, which would be lost, too.</summary>
    private Act? SettleInVain(ModelSender sender)
    {
        if (sender.Unwritten is not { } settlement || sender.Forgets || settlement.Runs.Any(run => run.Ends)) return null;
        return new($"settle up to {settlement.Cursor}, and crash", async () =>
        {
            var last = await lane.Platform.ScalarAsync<long>($"SELECT coalesce(max(settlement), 0) FROM webhooks.settlement WHERE endpoint = {subject.Key}");
            var told = await sender.Node.Settler.SettleAsync(sender.Lease, settlement, forgetFailures: false);
            await lane.Platform.ExecuteAsync($"DELETE FROM webhooks.settlement WHERE endpoint = {subject.Key} AND settlement > {last}");
            return Word(told);
        }, (m, _) => Word(m.Copy().Settle(sender.Node.Id, sender.Lease, settlement, forget: false)), told =>
        {
            if (told == "done") sender.Settled(forgot: false);
        });
    }

    private static Act? Defer(ModelSender sender)
    {
        var deferrals = sender.Deferring;
        if (deferrals.Count == 0) return null;
        return new($"defer {string.Join(' ', deferrals.Select(one => one.Seq))}", async () => Word(await sender.Node.Deferred.DeferAsync(sender.Lease, deferrals, default)),
            (m, _) => Word(m.Defer(sender.Node.Id, sender.Lease, deferrals)), told =>
            {
                if (told == "done") sender.Deferred();
                else sender.Lose();
            });
    }

    private Act Fail(ModelSender sender)
    {
        var (decision, form) = sender.Failure!.Value;
        return new($"fail, {form}, {decision.Pause}",
            async () => Word(await sender.Node.Leases.FailAsync(sender.Lease, 1, ModelSender.Failed, decision, form, default)),
            (m, _) => Word(m.Fail(sender.Node.Id, sender.Lease, decision, form)), told =>
            {
                if (told == "done" && form != FailureForm.KeepLease) _senders.Remove(sender);
            });
    }

    private static Act ReleaseIdle(ModelSender sender) => new("release as idle", async () => Word(await sender.Node.Leases.ReleaseIdleAsync(sender.Lease, default)),
        (m, _) => Word(m.ReleaseIdle(sender.Node.Id, sender.Lease)));

    private Act Resume(long? after) => new($"resume {after}", () => RefusableAsync(() => lane.Control.ResumeAsync(subject.Id, after, default)), (m, _) => Word(m.Resume(after)));

    private async Task<string> ResumeForReceiverAsync(long after)
    {
        await using var connection = await lane.Database.OpenAsync(default);
        await using var transaction = await connection.BeginTransactionAsync();
        var resume = await lane.Control.ResumeForReceiverAsync(connection, subject.Id, after, default);
        await transaction.CommitAsync();
        return $"{resume!.Refusal}";
    }

    private Act Serve(long cursor, long last)
    {
        var epoch = model.Epoch;
        return new($"feed serves up to {last}", async () =>
        {
            await using var command = lane.Database.Command("Delivery/mark_served", subject.Key, cursor, last, cursor, epoch);
            await command.ExecuteNonQueryAsync();
            return "done";
        }, (m, _) => Ok(() => m.Serve(cursor, last, cursor)));
    }

    private Act Replay(long first, long last) => new($"replay {first}-{last}", async () =>
    {
        try
        {
            return $"{await lane.Control.ReplayAsync(subject.Id, first, last, default)}";
        }
        catch (WebhookValidationException)
        {
            return "refused";
        }
    }, (m, _) => m.Replay(first, last));

    /// <summary>A node dies and is taken over from, or leaves; another takes its place. What it holds it still tries to write.</summary>
    private Act EndNode(ModelNode node, bool leaves)
    {
        return new(leaves ? "a node leaves" : "a node expires", async () =>
        {
            var store = lane.Platform.Get<NodeStore>();
            if (!leaves) await lane.Platform.ExecuteAsync($"UPDATE webhooks.node SET expires_at = now() WHERE node = '{node.Id}'");
            await (leaves ? store.LeaveAsync(node.Id, default) : store.TakeOverAsync(default));
            node.IsLive = false;
            _nodes.Insert(0, await lane.JoinAsync());
            return "done";
        }, (m, _) => Ok(() => m.NodeGone(node.Id)));
    }

    private Act PassTime() => new("time passes", async () =>
    {
        await lane.Platform.ExecuteAsync(
            $"""
            UPDATE webhooks.delivery_state SET due_at = due_at - interval '9 days', receiver_resume_from = receiver_resume_from - interval '9 days' WHERE endpoint = {subject.Key};
            UPDATE webhooks.deferred SET due_at = due_at - interval '9 days' WHERE endpoint = {subject.Key}
            """);
        return "done";
    }, (m, _) => Ok(m.PassTime));

    private static async Task<string> RefusableAsync(Func<Task> act)
    {
        try
        {
            await act();
            return "done";
        }
        catch (WebhookValidationException)
        {
            return "refused";
        }
    }

    private static async Task<string> OkAsync(Task act)
    {
        await act;
        return "done";
    }

    private static string Ok(Action act, string told = "done")
    {
        act();
        return told;
    }

    private static string Word(bool isDone) => isDone ? "done" : "refused";
}
