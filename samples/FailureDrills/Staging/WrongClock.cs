namespace Webhooks.FailureDrills.Staging;

/// <summary>The clock of a machine that is wrong by so much.</summary>
internal sealed class WrongClock(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
}
