using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>The receiver's own troubles: its inbox, its handlers, a crash.</summary>
internal static class ReceiverDrills
{
    public static IReadOnlyList<Drill> All { get; } = [];
}
