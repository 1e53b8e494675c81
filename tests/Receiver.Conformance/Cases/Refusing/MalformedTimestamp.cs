using System.Globalization;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class MalformedTimestamp() : RefusalCase(
    "malformed-timestamp", "A timestamp that is none, or is spelled otherwise than it was signed, is refused",
    "It is text until it is parsed; overflow, signs and letters must end as 4xx. And it is signed as it stands: a receiver that signs what it parsed accepts other bytes than were signed.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run)
    {
        foreach (var text in new[] { "abc", "-1", "1e9", "0x5f", "99999999999999999999999", "1700000000.5", "NaN", "2026-11-21T03:00:00Z" })
            yield return new($"\"{text}\"", attempt => attempt with { TimestampHeader = text });
        yield return new("another spelling of the signed number", attempt => attempt with { TimestampHeader = string.Create(CultureInfo.InvariantCulture, $"+{attempt.Timestamp}") });
        yield return new("leading zeros before the signed number", attempt => attempt with { TimestampHeader = string.Create(CultureInfo.InvariantCulture, $"000{attempt.Timestamp}") });
        yield return new("another time than was signed", attempt => attempt with { TimestampHeader = string.Create(CultureInfo.InvariantCulture, $"{attempt.Timestamp + 1}") });
    }
}
