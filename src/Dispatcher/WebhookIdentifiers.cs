using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Webhooks.Dispatcher;

/// <summary>The id of an application, a customer of the platform: <c>app_</c> and 32 hex digits.</summary>
public readonly record struct WebhookApplicationId
{
    private const string Prefix = "app_";

    private WebhookApplicationId(string value) => Value = value;

    /// <summary>The written id.</summary>
    public string Value => field ?? Prefix;

    /// <summary>Makes a new id.</summary>
    public static WebhookApplicationId New() => new(Identifier.New(Prefix));

    /// <summary>Reads an id.</summary>
    /// <exception cref="FormatException">It is not an application id.</exception>
    public static WebhookApplicationId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"An application id is \"{Prefix}\" and 32 hex digits.");

    /// <summary>Reads an id.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out WebhookApplicationId id)
    {
        id = Identifier.IsValid(Prefix, text) ? new(text!) : default;
        return id != default;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>The id of an endpoint, a URL of an application: <c>ep_</c> and 32 hex digits.</summary>
public readonly record struct WebhookEndpointId
{
    private const string Prefix = "ep_";

    private WebhookEndpointId(string value) => Value = value;

    /// <summary>The written id.</summary>
    public string Value => field ?? Prefix;

    /// <summary>Makes a new id.</summary>
    public static WebhookEndpointId New() => new(Identifier.New(Prefix));

    /// <summary>Reads an id.</summary>
    /// <exception cref="FormatException">It is not an endpoint id.</exception>
    public static WebhookEndpointId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"An endpoint id is \"{Prefix}\" and 32 hex digits.");

    /// <summary>Reads an id.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out WebhookEndpointId id)
    {
        id = Identifier.IsValid(Prefix, text) ? new(text!) : default;
        return id != default;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>The id of a published event: <c>evt_</c> and 32 hex digits. It is the <c>webhook-id</c> of every attempt to deliver it.</summary>
public readonly record struct WebhookEventId
{
    private const string Prefix = "evt_";

    internal WebhookEventId(Guid guid) => Guid = guid;

    internal Guid Guid { get; }

    /// <summary>The written id.</summary>
    public string Value => Prefix + Guid.ToString("N");

    /// <summary>Makes a new id; ids made later sort later, so that the index on them grows at one end.</summary>
    public static WebhookEventId New() => new(Guid.CreateVersion7());

    /// <summary>
    /// Makes as many, each sorting behind the one before it, and behind those that this process made a microsecond earlier: lists of events are in the order of their ids.
    /// Random bytes for all of them are asked for at once, which costs the system as much as for one.
    /// </summary>
    internal static Guid[] NewGuids(int count)
    {
        const int Bytes = 16, TimestampBytes = 8;
        var bytes = new byte[count * Bytes];
        RandomNumberGenerator.Fill(bytes);
        // RFC 9562, version 7: 48 bits of milliseconds, the version, and 12 bits for what is left of the time (section 6.2, method 3); then the variant, and the rest is random.
        var now = TimeProvider.System.GetUtcNow();
        Span<byte> model = stackalloc byte[TimestampBytes];
        BinaryPrimitives.WriteInt64BigEndian(model, (now.ToUnixTimeMilliseconds() << 16) | 0x7000 | (now.Ticks % TimeSpan.TicksPerMillisecond * 4096 / TimeSpan.TicksPerMillisecond));
        var guids = new Guid[count];
        for (var i = 0; i < count; i++)
        {
            var one = bytes.AsSpan(i * Bytes, Bytes);
            model.CopyTo(one);
            one[8] = (byte)((one[8] & 0x3f) | 0x80);
            guids[i] = new Guid(one, bigEndian: true);
        }

        Array.Sort(guids);
        return guids;
    }

    /// <summary>Reads an id.</summary>
    /// <exception cref="FormatException">It is not an event id.</exception>
    public static WebhookEventId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"An event id is \"{Prefix}\" and 32 hex digits.");

    /// <summary>Reads an id.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out WebhookEventId id)
    {
        id = Identifier.IsValid(Prefix, text) ? new(Guid.ParseExact(text!.AsSpan(Prefix.Length), "N")) : default;
        return id != default;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}

file static class Identifier
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static string New(string prefix) => prefix + Guid.CreateVersion7().ToString("N");

    public static bool IsValid(string prefix, string? text) =>
        text?.Length == prefix.Length + 32
        && text.StartsWith(prefix, StringComparison.Ordinal)
        && text.AsSpan(prefix.Length).IndexOfAnyExcept(HexDigits) < 0;
}
