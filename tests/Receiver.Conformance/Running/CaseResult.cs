using Webhooks.Conformance.Cases;

namespace Webhooks.Conformance.Running;

/// <summary>What a case came to.</summary>
internal enum Verdict
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>A case, what it came to, and why.</summary>
internal sealed record CaseResult(ConformanceCase Case, Verdict Verdict, string? Reason, TimeSpan Took);

/// <summary>What a whole run came to.</summary>
internal sealed record SuiteOutcome(IReadOnlyList<CaseResult> Results)
{
    public int Passed => Count(Verdict.Passed);

    public int Failed => Count(Verdict.Failed);

    public int Skipped => Count(Verdict.Skipped);

    private int Count(Verdict verdict) => Results.Count(result => result.Verdict == verdict);
}
