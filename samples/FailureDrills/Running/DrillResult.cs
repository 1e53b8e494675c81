using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;

namespace Webhooks.FailureDrills.Running;

/// <summary>How a drill ended on a driver.</summary>
internal enum Verdict
{
    Passed,
    Failed,

    /// <summary>The driver cannot do what the drill needs.</summary>
    NotSupported,

    /// <summary>The driver, or what the drill needs of this machine, is not there.</summary>
    NotRun,
}

/// <summary>How fast drills are run.</summary>
/// <param name="Scale">By how much waits are stretched.</param>
/// <param name="Patience">By how much their time budgets are stretched, which nobody waits for unless something is missing.</param>
/// <param name="Parallel">How many run side by side.</param>
internal sealed record Pace(double Scale = 1, double Patience = 1, int Parallel = 8)
{
    public TimeSpan Budget(Drill drill) => drill.Budget * Patience * Math.Max(1, Scale);
}

/// <summary>What was expected and not seen.</summary>
internal sealed record Missed(string Expectation, string Observation);

/// <summary>One drill on one driver, judged.</summary>
internal sealed record DrillResult(Drill Drill, string Driver, Verdict Verdict)
{
    /// <summary>Of a failed one: what was expected and what was seen. The first is what stopped it.</summary>
    public IReadOnlyList<Missed> Missed { get; init; } = [];

    /// <summary>Why it was not run, or is not supported.</summary>
    public string? Reason { get; init; }

    public TimeSpan Took { get; init; }

    public IReadOnlyList<TimelineEntry> Timeline { get; init; } = [];
}

/// <summary>A run of many.</summary>
internal sealed record RunOutcome(IReadOnlyList<DrillResult> Results, IReadOnlyList<string> Remarks, TimeSpan Took)
{
    public int Count(Verdict verdict) => Results.Count(result => result.Verdict == verdict);

    public bool AllAsExpected => Count(Verdict.Failed) == 0 && Count(Verdict.Passed) > 0;
}
