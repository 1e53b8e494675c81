using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Webhooks.Dispatcher.Api;

/// <summary>A page of a list: its elements, and the cursors of the pages around it.</summary>
/// <param name="Data">The elements, newest first.</param>
/// <param name="Next">The cursor of the page of older ones; null when there is none.</param>
/// <param name="Previous">The cursor of the page of newer ones; null when there is none.</param>
internal sealed record ApiList<T>(IReadOnlyList<T> Data, string? Next, string? Previous);

/// <summary>
/// Where a page begins: beside an element, which has a key that grows. What is added meanwhile moves no page. Opaque on the wire, so that it may come to hold something else.
/// </summary>
/// <param name="Key">The element's key.</param>
/// <param name="Back">Whether the page is that of newer ones.</param>
internal readonly record struct ApiCursor(long Key, bool Back)
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 250;

    public static readonly IReadOnlyList<ApiParameter> Parameters =
    [
        new("limit", $$"""{"type":"integer","minimum":1,"maximum":{{MaxLimit}},"default":{{DefaultLimit}}}""", "How many at most."),
        new("cursor", """{"type":"string"}""", "The page after or before another one: its next or previous."),
    ];

    public static int LimitOf(ApiCall call) => (int)(call.QueryNumber("limit", 1, MaxLimit) ?? DefaultLimit);

    /// <summary>The beginning of the list without a cursor.</summary>
    /// <exception cref="ApiException">The cursor is none of ours.</exception>
    public static ApiCursor Of(ApiCall call)
    {
        if (call.Query("cursor") is not { } text) return new ApiCursor(long.MaxValue, false);
        var bytes = new byte[64];
        // Decoding gives false for a lack of room only, and throws at what is no Base64Url.
        return text.Length <= bytes.Length && Base64Url.IsValid(text) && Base64Url.TryDecodeFromChars(text, bytes, out var length)
            && Encoding.ASCII.GetString(bytes, 0, length) is [('n' or 'p') and var kind, .. var number]
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            ? new ApiCursor(key, kind == 'p')
            : throw ApiException.Of(ApiProblem.MalformedRequest, "cursor", "cursor must be the next or previous of another page.");
    }

    public override string ToString() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(Back ? 'p' : 'n')}{Key}")));

    /// <summary>Makes a page of what was found on this side of the cursor, one more than the limit if there are more, nearest first.</summary>
    public ApiList<T> Page<T>(IReadOnlyList<(long Key, T Element)> found, int limit)
    {
        var more = found.Count > limit;
        var page = found.Take(limit).ToList();
        if (Back) page.Reverse();
        if (page.Count == 0) return new ApiList<T>([], null, null);
        var older = Back || more ? new ApiCursor(page[^1].Key, false).ToString() : null;
        var newer = (Back ? more : Key != long.MaxValue) ? new ApiCursor(page[0].Key, true).ToString() : null;
        return new ApiList<T>(page.ConvertAll(one => one.Element), older, newer);
    }
}
