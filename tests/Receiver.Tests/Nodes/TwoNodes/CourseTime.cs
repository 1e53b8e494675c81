namespace Webhooks.Receiver.Tests;

/// <summary>The clock of a course: it goes on by itself and by steps. Short waits end at once, long ones never; so nothing happens but by a step.</summary>
internal sealed class CourseTime : TimeProvider
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private long _ahead;

    public void Pass(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime >= TimeSpan.Zero && dueTime <= Short ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
