using System.Text.Json;

namespace Webhooks.Bench.Backlog;

/// <summary>Reads of a feed's page what tells whether it is the one that was asked for: the numbers of its events.</summary>
internal static class FeedPageCheck
{
    /// <summary>How many events it holds, when they are those right after <paramref name="after"/>, one after another; -1 when not.</summary>
    public static int CountInOrder(ReadOnlySpan<byte> page, long after)
    {
        var reader = new Utf8JsonReader(page);
        var count = 0;
        while (reader.Read())
        {
            // The page is an object, with an array of objects in it, and those have the property.
            if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 3 || !reader.ValueTextEquals("seq"u8)) continue;
            reader.Read();
            if (!reader.TryGetInt64(out var seq) || seq != after + count + 1) return -1;
            count++;
        }

        return count;
    }
}
