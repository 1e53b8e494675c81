using Webhooks.Signing;

namespace Webhooks.Conformance.Cases.Rotating;

internal sealed class Overlap() : ConformanceCase(
    "rotation-overlap", "During a rotation the old secret, the new one and both together are accepted",
    "The sender signs with every live secret; the receiver may know one of them or both. A receiver that knows one secret at a time loses what comes between the two changes.",
    Needs.Observer | Needs.OldSecret)
{
    public override async Task RunAsync(CaseRun run)
    {
        var (now, old, future) = (run.Settings.Secret, run.Settings.OldSecret!, WebhookSecret.Generate());
        var events = new List<Sending.SentEvent>();
        foreach (var (what, secrets) in new (string, WebhookSecret[])[]
        {
            ("the old secret alone", [old]), ("the new secret alone", [now]), ("both, newest first", [now, old]), ("both, oldest first", [old, now]),
            ("the new one beside one that is not known yet", [future, now]), ("the old one beside one that is not known yet", [future, old]),
        })
        {
            var one = run.Stream.Next();
            events.Add(one);
            await run.AcceptAsync(one, run.Attempt(one, secrets), what);
        }

        // With what was refused the stream would stand still; it is judged already.
        foreach (var one in run.Stream.NotAccepted()) await run.DeliverAsync(one);
        await run.HandledOnceAsync(events);
    }
}
