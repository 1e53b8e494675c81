using System.Buffers;
using System.Text;
using System.Text.Json;
using Webhooks.Dispatcher.Secrets;

namespace Webhooks.Dispatcher.Endpoints;

/// <summary>
/// Headers of an endpoint's own that go with every request to it. Their values are its receiver's credentials, mostly: encrypted at rest, shown to nobody, and taken out of
/// what a receiver answers before that is kept.
/// </summary>
internal sealed class EndpointHeaders
{
    public const int Most = 10;
    public const int MaxNameLength = 100;
    public const int MaxValueLength = 1024;

    /// <summary>For no headers.</summary>
    public static readonly EndpointHeaders None = new(new Dictionary<string, string>());

    private const string Purpose = "endpoint headers";
    private const int LeastToHide = 4;

    // RFC 9110, section 5.6.2.
    private static readonly SearchValues<char> TokenChars = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    private static readonly string[] ReservedPrefixes = ["webhook-", "content-", "proxy-"];

    // What frames and routes a request, what the dispatcher sets itself, and what stands in answers only.
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "http2-settings", "user-agent", "allow", "expires", "last-modified",
    };

    private readonly byte[][] _hidden;

    public EndpointHeaders(IReadOnlyDictionary<string, string> values)
    {
        Values = values;
        // Also what follows the scheme in Authorization, which some echo alone. The longest first: one may be the beginning of another.
        _hidden = [.. values.Values.SelectMany(value => new[] { value, value[(value.LastIndexOf(' ') + 1)..] })
            .Where(value => value.Length >= LeastToHide).Distinct().OrderByDescending(value => value.Length).Select(Encoding.ASCII.GetBytes)];
    }

    public IReadOnlyDictionary<string, string> Values { get; }

    /// <summary>How long the longest of them is that must not be kept.</summary>
    public int LongestHidden => _hidden.Length == 0 ? 0 : _hidden[0].Length;

    /// <summary>What is wrong with headers; never with a value in it, nor with a name that is none, for it may be a value that stands in the wrong place.</summary>
    public static IEnumerable<string> Problems(IReadOnlyDictionary<string, string> headers)
    {
        if (headers.Count > Most)
        {
            yield return $"There may be at most {Most}; there are {headers.Count}.";
            yield break;
        }

        var number = 0;
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in headers)
        {
            number++;
            if (name.Length is 0 or > MaxNameLength || name.AsSpan().ContainsAnyExcept(TokenChars))
            {
                yield return $"Number {number} must have a name of 1 to {MaxNameLength} letters, digits and !#$%&'*+-.^_`|~.";
                continue;
            }

            if (Reserved.Contains(name) || ReservedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
                yield return $"{name} is set by the dispatcher, or belongs to the connection.";
            if (!names.Add(name)) yield return $"{name} stands there twice.";
            if (value is null || value.Length is 0 or > MaxValueLength || value.AsSpan().ContainsAnyExceptInRange(' ', '~') || value[0] == ' ' || value[^1] == ' ')
                yield return $"{name} must have 1 to {MaxValueLength} visible ASCII characters, and spaces only between them.";
        }
    }

    /// <summary>As they are stored; null for none.</summary>
    public byte[]? Protect(KeyRing keyRing) => Values.Count == 0 ? null : keyRing.Protect(JsonSerializer.SerializeToUtf8Bytes(Values), Purpose);

    /// <exception cref="System.Security.Cryptography.CryptographicException">They were not encrypted with this key ring.</exception>
    public static EndpointHeaders Unprotect(byte[] ciphertext, KeyRing keyRing) =>
        new(JsonSerializer.Deserialize<Dictionary<string, string>>(keyRing.Unprotect(ciphertext, Purpose))!);

    /// <summary>The beginning of an answer without them. It must go beyond that beginning by <see cref="LongestHidden"/>, so that none is cut off and not known again.</summary>
    public byte[] Hide(ReadOnlySpan<byte> answer, int length)
    {
        var kept = new List<byte>(Math.Min(length, answer.Length));
        for (var at = 0; at < answer.Length && at < length;)
        {
            var step = 0;
            var rest = answer[at..];
            foreach (var hidden in _hidden)
                // Also where the answer breaks off in the middle of one.
                if (step == 0 && (rest.StartsWith(hidden) || (rest.Length >= LeastToHide && hidden.AsSpan().StartsWith(rest)))) step = Math.Min(hidden.Length, rest.Length);
            kept.AddRange(step == 0 ? answer.Slice(at, 1) : "***"u8);
            at += Math.Max(1, step);
        }

        return [.. kept];
    }

    /// <summary>The names; never the values.</summary>
    public override string ToString() => string.Join(", ", Values.Keys);
}
