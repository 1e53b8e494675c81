using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>What is lost, doubled or out of order on the way, and how the receiver makes it good.</summary>
internal static class OrderDrills
{
    public static IReadOnlyList<Drill> All { get; } = [.. GapDrills.All, .. DuplicateDrills.All, .. ExpiryDrills.All, .. PoisonDrills.All];
}
