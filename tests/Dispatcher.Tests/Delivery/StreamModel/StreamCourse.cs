using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

/// <summary>An operation: how it is done, what it should say, and what follows for who did it.</summary>
/// <param name="Name">For the account of a failure.</param>
/// <param name="Run">Does it; gives what its caller is told.</param>
/// <param name="Predict">Does it in the model. Is told what the real one gave, for what only that can know.</param>
/// <param name="After">Takes in what was told.</param>
internal sealed record Act(string Name, Func<Task<string>> Run, Func<StreamModel, string, string> Predict, Action<string>? After = null);

/// <summary>One endpoint, two nodes and an operator: does one operation after the other, or two at once, and compares the database with the model.</summary>
internal sealed partial class StreamCourse(ModelLane lane, Subject subject, StreamModel model)
{
    private readonly List<ModelNode> _nodes = [];
    private readonly List<ModelSender> _senders = [];
    private readonly List<string> _account = [];
    private readonly DeliveryOptions _options = lane.Platform.Get<Microsoft.Extensions.Options.IOptions<WebhookDispatcherOptions>>().Value.Delivery;

    public static async Task RunAsync(ModelLane lane, IReadOnlyList<StreamStep> steps)
    {
        var subject = await lane.NextAsync();
        var course = new StreamCourse(lane, subject, await lane.ReadAsync(subject));
        try
        {
            for (var i = 0; i < 2; i++) course._nodes.Add(await lane.JoinAsync());
            await course.RunAsync(steps);
            await course.FinishAsync();
        }
        catch (Exception exception)
        {
            throw new StreamModelException($"{string.Join("\n", course._account)}\n{exception.Message}", exception);
        }
        finally
        {
            foreach (var node in course._nodes) await node.DisposeAsync();
            await lane.RetireAsync(subject);
        }
    }

    private async Task RunAsync(IReadOnlyList<StreamStep> steps)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            var first = await PrepareAsync(steps[i]);
            var second = steps[i].WithNext && i + 1 < steps.Count && MayMeet(steps[i].What, steps[i + 1].What) ? await PrepareAsync(steps[++i]) : null;
            if (first is not null && second is not null) await DoBothAsync(first, second);
            else if ((first ?? second) is { } act) await DoAsync(act);
        }
    }

    /// <summary>What is one statement or transaction on both sides, so that one of them comes first; and not two of the same node's.</summary>
    private static bool MayMeet(What one, What other) =>
        (one < What.Pause) != (other < What.Pause) && one != What.PassTime && other != What.PassTime
        && !((one, other) is (What.Claim, What.EndNode) or (What.EndNode, What.Claim));

    private async Task DoAsync(Act act)
    {
        var told = await act.Run();
        _account.Add($"{act.Name}: {told}");
        Assert.Equal(act.Predict(model, told), told);
        await CompareAsync(model);
        act.After?.Invoke(told);
    }

    /// <summary>At once: afterwards all must be as if one had come before the other, no matter which.</summary>
    private async Task DoBothAsync(Act first, Act second)
    {
        var (one, other) = (Task.Run(first.Run), Task.Run(second.Run));
        await Task.WhenAll(one, other);
        var (told, toldOther) = (await one, await other);
        _account.Add($"{first.Name}: {told}   at the same time as   {second.Name}: {toldOther}");
        var actual = (await lane.ReadAsync(subject)).ToString();
        var (forth, back) = (model.Copy(), model.Copy());
        var isForth = Agrees(first, forth, told) & Agrees(second, forth, toldOther);
        var isBack = Agrees(second, back, toldOther) & Agrees(first, back, told);
        model = isForth && forth.ToString() == actual ? forth
            : isBack && back.ToString() == actual ? back
            : throw new StreamModelException($"before:       {model}\nafter:        {actual}\nthe first first {isForth}: {forth}\nthe second first {isBack}: {back}");
        await CompareAsync(model);
        first.After?.Invoke(told);
        second.After?.Invoke(toldOther);
    }

    /// <summary>A claim steps over a row that somebody has locked at that moment.</summary>
    private static bool Agrees(Act act, StreamModel model, string told) => told == "nothing" || act.Predict(model, told) == told;

    private async Task CompareAsync(StreamModel expected)
    {
        var actual = await lane.ReadAsync(subject);
        _account.Add($"    {actual}");
        Assert.Equal(expected.ToString(), actual.ToString());
        // Promise 1: somebody has what there is to do, or will be given it.
        if (actual.IsActive && (actual.Head > actual.Cursor || actual.Deferred.Count > 0)) Assert.True(actual.Holder is not null || actual.Due != Due.None, "It is stuck.");
        Assert.False(actual.Status == "paused" && actual.Due != Due.None, "It is paused, and due.");
        Assert.False(actual.Holder is not null && actual.Due != Due.None, "It is leased, and due.");
        Assert.All(actual.Ahead, seq => Assert.InRange(seq, actual.Cursor + 1, actual.Head));
        StreamLedger.Check(actual);
    }

    /// <summary>Whatever has happened: once the endpoint is well, a new node sends all that is left, and there is nothing left then.</summary>
    private async Task FinishAsync()
    {
        foreach (var node in _nodes.FindAll(node => node.IsLive)) await DoAsync(EndNode(node, leaves: false));
        await DoAsync(Resume(null));
        await DoAsync(PassTime());
        _senders.Clear();
        await DoAsync(Claim(_nodes[0]));
        if (_senders.Count > 0)
        {
            var sender = _senders[0];
            var (given, _) = await LookAsync(sender);
            // One at a time, after a failure; and each success may show that others' failures were their own.
            for (var most = given.Count; most > 0 && sender.Send(given, 1).Count > 0; most--) sender.Succeed(0);
            if (Settle(sender) is { } settle) await DoAsync(settle);
            var (_, beside) = await LookAsync(sender);
            foreach (var one in beside) sender.SucceedBeside(one);
            if (Settle(sender) is { } last) await DoAsync(last);
            await DoAsync(ReleaseIdle(sender));
        }

        var end = await lane.ReadAsync(subject);
        Assert.Equal((end.Head, 0, 0, Due.None), (end.Cursor, end.Ahead.Count, end.Deferred.Count, end.Due));
        Assert.Null(end.Holder);
    }
}

internal sealed class StreamModelException : Exception
{
    public StreamModelException(string message) : base(message) { }

    public StreamModelException(string message, Exception inner) : base(message, inner) { }
}
