namespace Webhooks.Dispatcher.Tests;

/// <summary>A wall clock that stands still, so that no minute and no day ends under a test. Waits go by the system's.</summary>
internal sealed class StoppedClock : TimeProvider
{
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;

    public override DateTimeOffset GetUtcNow() => _now;
}
