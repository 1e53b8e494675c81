namespace Webhooks.Chaos.Judging;

/// <summary>
/// What an endpoint must and may have got; pure. An event's place in the order lies between the beginning and the end of its
/// transaction, a change's between the operator's call and its return: where the two overlap, either is right.
/// </summary>
internal static class Matching
{
    /// <summary>Whether the event matched for certain.</summary>
    public static bool Must(EndpointBooks endpoint, PublishedRow row) =>
        Possible(endpoint.Matched, row).ToList() is { Count: > 0 } possible && possible.TrueForAll(pattern => EventTypes.Matches(pattern, row.Type));

    /// <summary>Whether it can have matched.</summary>
    public static bool May(EndpointBooks endpoint, PublishedRow row) => Possible(endpoint.Matched, row).Any(pattern => EventTypes.Matches(pattern, row.Type));

    /// <summary>The patterns that can have been in force at the event's place; null before the endpoint was there, and after.</summary>
    private static IEnumerable<string?> Possible(IReadOnlyList<Matched> changes, PublishedRow row)
    {
        if (changes.Count == 0 || row.Began < changes[0].Done) yield return null;
        for (var i = 0; i < changes.Count; i++)
            if (row.Committed > changes[i].Asked && (i + 1 == changes.Count || row.Began < changes[i + 1].Done)) yield return changes[i].Pattern;
    }
}
