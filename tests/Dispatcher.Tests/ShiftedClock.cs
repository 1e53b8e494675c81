namespace Webhooks.Dispatcher.Tests;

/// <summary>The clock of a machine that is wrong by so much.</summary>
internal sealed class ShiftedClock(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
}
