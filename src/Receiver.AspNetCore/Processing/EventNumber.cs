using System.Globalization;

namespace Webhooks.Receiver;

/// <summary>An event's number as the log names it.</summary>
/// <param name="Seq">The number; 0 without one.</param>
internal readonly record struct EventNumber(long Seq)
{
    public override string ToString() =>
        Seq > 0 ? string.Create(CultureInfo.InvariantCulture, $"number {Seq}") : "without a number";
}
