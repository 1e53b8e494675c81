using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Endpoints;

/// <summary>Whether an event type matches a pattern of an endpoint; pure.</summary>
internal static class EventTypePattern
{
    /// <summary>What is wrong with a pattern; null when nothing is.</summary>
    public static string? Problem(string? pattern)
    {
        if (string.IsNullOrEmpty(pattern)) return "Must not be empty.";
        if (pattern.Length > EventRules.MaxTypeLength) return $"Must have at most {EventRules.MaxTypeLength} characters; one has {pattern.Length}.";
        foreach (var range in pattern.AsSpan().Split('.'))
        {
            var part = pattern.AsSpan(range);
            if (part is "**" && range.End.Value != pattern.Length) return "May have ** only as its last part.";
            if (part is not ("*" or "**") && !EventRules.IsPart(part))
                return "Must be dot-separated parts, each letters A-Z a-z, digits, underscores and hyphens, or * for any one part, or ** at the end for the rest.";
        }

        return null;
    }

    /// <summary><c>*</c> stands for exactly one part, <c>**</c> at the end for one or more.</summary>
    public static bool Matches(string pattern, string type)
    {
        var parts = type.AsSpan().Split('.');
        foreach (var range in pattern.AsSpan().Split('.'))
        {
            if (!parts.MoveNext()) return false;
            var part = pattern.AsSpan(range);
            if (part is "**") return true;
            if (part is not "*" && !part.SequenceEqual(type.AsSpan(parts.Current))) return false;
        }

        return !parts.MoveNext();
    }

    public static bool MatchesAny(IReadOnlyList<string> patterns, string type)
    {
        foreach (var pattern in patterns)
            if (Matches(pattern, type)) return true;
        return false;
    }
}
