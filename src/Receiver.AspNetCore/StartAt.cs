using System.ComponentModel;
using System.Globalization;

namespace Webhooks.Receiver;

/// <summary>Where an empty inbox begins. In configuration: <c>floor</c>, <c>cursor</c>, <c>head</c> or a number.</summary>
[TypeConverter(typeof(Converter))]
public sealed record StartAt
{
    private StartAt(string place, long number = 0) => (Place, Number) = (place, number);

    /// <summary>At the first event that the sender still has, so that a lost first delivery is seen.</summary>
    public static StartAt Floor { get; } = new("floor");

    /// <summary>After the last event that the sender has settled.</summary>
    public static StartAt Cursor { get; } = new("cursor");

    /// <summary>After the newest event.</summary>
    public static StartAt Head { get; } = new("head");

    internal string Place { get; }

    internal long Number { get; }

    /// <summary>At a stated number.</summary>
    public static StartAt Seq(long number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        return new StartAt("seq", number);
    }

    /// <inheritdoc/>
    public override string ToString() => Place == "seq" ? Number.ToString(CultureInfo.InvariantCulture) : Place;

    /// <summary>The watermark to begin with, from what the feed says of itself.</summary>
    internal long Watermark(long floor, long cursor, long head) => Place switch
    {
        "floor" => floor - 1,
        "cursor" => cursor,
        "head" => head,
        _ => Number - 1,
    };

    private sealed class Converter : TypeConverter
    {
        public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string);

        public override object ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
            (value as string)?.Trim().ToLowerInvariant() switch
            {
                "floor" => Floor,
                "cursor" => Cursor,
                "head" => Head,
                { } text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 => Seq(n),
                _ => throw new FormatException("StartAt is floor, cursor, head, or a number from 1."),
            };
    }
}
