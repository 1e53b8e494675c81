namespace Webhooks.FailureDrills.Staging;

/// <summary>What was done and said during a drill, with its time.</summary>
internal sealed record LogLine(DateTimeOffset At, string Who, string Text);

/// <summary>The lines of a drill.</summary>
internal sealed class StageLog
{
    private const int Most = 5000;
    private readonly Lock _gate = new();
    private readonly List<LogLine> _lines = [];

    public IReadOnlyList<LogLine> Lines
    {
        get
        {
            lock (_gate) return [.. _lines];
        }
    }

    /// <param name="who"><c>drill</c>, <c>dispatcher</c> or <c>receiver</c>.</param>
    /// <param name="text">What was done or said.</param>
    public void Add(string who, string text)
    {
        lock (_gate)
            if (_lines.Count < Most) _lines.Add(new LogLine(DateTimeOffset.UtcNow, who, text));
    }
}
