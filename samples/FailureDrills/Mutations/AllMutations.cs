namespace Webhooks.FailureDrills.Mutations;

/// <summary>The safeguards that drills are known to notice.</summary>
internal static class AllMutations
{
    public static IReadOnlyList<Mutation> All { get; } = [.. AnswerMutations.All, .. ReachMutations.All, .. OrderMutations.All, .. PlatformMutations.All];
}
