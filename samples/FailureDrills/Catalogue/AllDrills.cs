using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>The catalogue, category by category.</summary>
internal static class AllDrills
{
    public static IReadOnlyList<string> Categories { get; } = ["answers", "network", "secrets", "order", "pauses", "platform", "receiver"];

    public static IReadOnlyList<Drill> All { get; } =
    [
        .. AnswerDrills.All, .. NetworkDrills.All, .. SecretDrills.All, .. OrderDrills.All, .. PauseDrills.All, .. PlatformDrills.All, .. DatabaseDrills.All, .. ReceiverDrills.All,
    ];

    public static Drill? Find(string name) => All.FirstOrDefault(drill => drill.Name == name);
}
