namespace Webhooks.FailureDrills.Mutations;

/// <summary>The safeguards that drills are known to notice.</summary>
internal static class AllMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        .. ReachMutations.All, .. OrderMutations.All,
        new("pause-on-410", "410 pauses at once", "src/Dispatcher/Delivery/StreamState.cs",
            "result.Outcome == AttemptOutcome.Gone ? PauseReason.Gone", "result.Outcome == AttemptOutcome.Gone && !$OFF ? PauseReason.Gone"),
        new("pause-on-failures", "three failures in a row pause", "src/Dispatcher/Delivery/StreamState.cs",
            "next.ConsecutiveFailures >= threshold)", "next.ConsecutiveFailures >= threshold && !$OFF)"),
    ];
}
