using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>The network between platform and customer: addresses, names, silence, TLS.</summary>
internal static class NetworkDrills
{
    public static IReadOnlyList<Drill> All { get; } = [.. ReachDrills.All, .. SlowLinkDrills.All, .. TlsDrills.All];
}
