using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>What an endpoint answers, and what follows from it.</summary>
internal static class AnswerDrills
{
    public static IReadOnlyList<Drill> All { get; } = [.. StatusDrills.All, .. RetryAfterDrills.All, .. SlowAnswerDrills.All, .. BrokenAnswerDrills.All];
}
