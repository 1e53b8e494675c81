namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class StaleTimestamp() : RefusalCase(
    "stale-timestamp", "A request older than the tolerance is refused, one inside it accepted",
    "Without this whoever has once recorded a request can send it again for ever. The control, inside the tolerance, shows that the receiver does not simply refuse what is not from this second.")
{
    // The receiver's clock is not the suite's.
    private const long Slack = 15;

    protected override IEnumerable<Spoilt> Ways(CaseRun run)
    {
        var tolerance = (long)run.Settings.Tolerance.TotalSeconds;
        yield return new($"{tolerance + Slack} s old", attempt => attempt with { Timestamp = attempt.Timestamp - tolerance - Slack });
        yield return new("a day old", attempt => attempt with { Timestamp = attempt.Timestamp - 86_400 });
        yield return new("from 1970", attempt => attempt with { Timestamp = 1 });
    }

    protected override IEnumerable<Spoilt> Controls(CaseRun run)
    {
        var inside = Math.Max(1, (long)run.Settings.Tolerance.TotalSeconds - Slack);
        yield return new($"a delivery {inside} s old, inside the tolerance,", attempt => attempt with { Timestamp = attempt.Timestamp - inside });
    }
}
