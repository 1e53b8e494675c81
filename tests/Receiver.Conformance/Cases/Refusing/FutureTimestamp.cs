namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class FutureTimestamp() : RefusalCase(
    "future-timestamp", "A request from beyond the tolerance in the future is refused, one inside it accepted",
    "A check on one side only lets a request be signed for next year. The sender's clock may be ahead by a little, though.")
{
    private const long Slack = 15;

    protected override IEnumerable<Spoilt> Ways(CaseRun run)
    {
        var tolerance = (long)run.Settings.Tolerance.TotalSeconds;
        yield return new($"{tolerance + Slack} s ahead", attempt => attempt with { Timestamp = attempt.Timestamp + tolerance + Slack });
        yield return new("a year ahead", attempt => attempt with { Timestamp = attempt.Timestamp + 31_536_000 });
        yield return new("milliseconds instead of seconds", attempt => attempt with { Timestamp = 99_999_999_999 });
    }

    protected override IEnumerable<Spoilt> Controls(CaseRun run)
    {
        var inside = Math.Max(1, (long)run.Settings.Tolerance.TotalSeconds - Slack);
        yield return new($"a delivery {inside} s ahead, inside the tolerance,", attempt => attempt with { Timestamp = attempt.Timestamp + inside });
    }
}
