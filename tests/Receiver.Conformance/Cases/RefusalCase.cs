using Webhooks.Conformance.Sending;
using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases;

/// <summary>One way to spoil a request.</summary>
/// <param name="Name">What is wrong with it.</param>
/// <param name="Spoil">Makes it from an attempt that is right.</param>
internal sealed record Spoilt(string Name, Func<Attempt, Attempt> Spoil)
{
    /// <summary>Builds what is sent, when it is no event of the stream.</summary>
    public Func<CaseRun, SentEvent>? Of { get; init; }
}

/// <summary>
/// A request that must be refused, in several ways: with 4xx, never 2xx, for then a sender takes it for delivered, and never 5xx, for then a stranger
/// can make the receiver look broken. What was refused is never handled, and a valid delivery afterwards is.
/// </summary>
internal abstract class RefusalCase(string name, string title, string why, Needs needs = Needs.Nothing) : ConformanceCase(name, title, why, needs)
{
    protected abstract IEnumerable<Spoilt> Ways(CaseRun run);

    /// <summary>What is right, close to what is wrong: it must be accepted.</summary>
    protected virtual IEnumerable<Spoilt> Controls(CaseRun run) => [new("a valid delivery", attempt => attempt)];

    /// <summary>A server may cut off what it does not want to read.</summary>
    protected virtual bool IsRefusal(WireAnswer answer) => answer.IsRefusal;

    public override async Task RunAsync(CaseRun run)
    {
        var refused = new List<SentEvent>();
        foreach (var way in Ways(run))
        {
            var draft = way.Of?.Invoke(run) ?? run.Stream.Draft();
            var answer = await run.SendAsync(way.Spoil(run.Attempt(draft)));
            if (IsRefusal(answer)) refused.Add(draft);
            else run.Problem($"{way.Name}: answered {answer}, not 4xx");
            if (answer.IsAccepted) run.Stream.Adopt(draft);
        }

        var controls = new List<SentEvent>();
        foreach (var control in Controls(run))
        {
            var one = run.Stream.Next();
            controls.Add(one);
            await run.AcceptAsync(one, control.Spoil(run.Attempt(one)), control.Name);
        }

        await run.HandledOnceAsync(controls);
        await run.NeverHandledAsync(refused);
    }
}
