using System.Buffers.Binary;
using System.Globalization;

namespace Webhooks.Dispatcher.Api;

/// <summary>
/// Where a page of events begins: beside a place in the order of publishing. What is committed meanwhile moves no page.
/// </summary>
/// <param name="Position">Older than this, or newer.</param>
/// <param name="Back">Whether the page is that of newer ones.</param>
internal readonly record struct EventCursor(long Position, bool Back)
{
    public const long Newest = long.MaxValue;
    private const int Digits = 16;

    /// <summary>The beginning of the list without a cursor.</summary>
    /// <exception cref="ApiException">The cursor is none of ours.</exception>
    public static EventCursor Of(ApiCall call)
    {
        if (call.Query("cursor") is not { } text) return new EventCursor(Newest, false);
        return text is [('n' or 'p') and var kind, .. { Length: Digits } digits] && long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var position) && position >= 0
            ? new EventCursor(position, kind == 'p')
            : throw ApiException.Of(ApiProblem.MalformedRequest, "cursor", "cursor must be the next or previous of another page.");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Back ? 'p' : 'n')}{Position:x16}");

    /// <summary>The lowest id that can be made at a time.</summary>
    public static Guid FirstAt(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Math.Clamp(time.ToUnixTimeMilliseconds(), 0, (1L << 47) - 1) << 16);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Makes a page of what was found on this side of the cursor, nearest first. A page may have fewer than asked for, even none, and still one behind it.</summary>
    /// <param name="found">What fits the filters; one more than the limit if there are more.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="reached">The last that was looked at; null when there was nothing to look at.</param>
    /// <param name="ended">Whether nothing lies behind that.</param>
    public ApiList<ListedEvent> Page(IReadOnlyList<(long Position, ListedEvent Element)> found, int limit, long? reached, bool ended)
    {
        if (reached is not { } last) return new ApiList<ListedEvent>([], null, null);
        var page = found.Take(limit).ToList();
        var (more, far) = found.Count > limit ? (true, page[^1].Position) : (!ended, last);
        // Where nothing fits, the way back begins where looking ended: between there and the cursor is nothing to be missed.
        var near = page.Count > 0 ? page[0].Position : last;
        if (Back) page.Reverse();
        var ahead = more ? new EventCursor(far, Back).ToString() : null;
        var behind = Back || Position != Newest ? new EventCursor(near, !Back).ToString() : null;
        return Back
            ? new ApiList<ListedEvent>(page.ConvertAll(one => one.Element), behind, ahead)
            : new ApiList<ListedEvent>(page.ConvertAll(one => one.Element), ahead, behind);
    }
}
