using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Webhooks.Receiver;

/// <summary>What a request's head says, judged before a byte of its body is read.</summary>
/// <param name="MediaType">In lower case and without parameters.</param>
/// <param name="Names">The headers that the source's scheme looks at.</param>
/// <param name="Values">Their values, empty where there is none: looked up once, for the server compares names by letters.</param>
internal readonly record struct RequestHead(string MediaType, IReadOnlyList<string> Names, string[] Values)
{
    /// <summary>The longest value of a header that a scheme looks at, in characters.</summary>
    public const int MaxHeaderLength = 4096;

    private const string Json = "application/json";

    /// <summary>Why it is refused; null when it is not.</summary>
    /// <param name="request">The request.</param>
    /// <param name="scheme">The source's scheme.</param>
    /// <param name="head">What it says, when it is not.</param>
    public static IntakeOutcome? Judge(HttpRequest request, IWebhookScheme scheme, out RequestHead head)
    {
        head = default;
        // The signature is over the bytes on the wire, and so has to be what is read.
        if (!StringValues.IsNullOrEmpty(request.Headers.ContentEncoding)) return IntakeOutcome.ContentEncoding;
        string mediaType;
        if (request.ContentType == Json) mediaType = Json;
        else if (MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) && IsUtf8(parsed.Charset)) mediaType = parsed.MediaType.ToString().ToLowerInvariant();
        else return IntakeOutcome.MediaType;
        if (!scheme.Takes(mediaType)) return IntakeOutcome.MediaType;
        var names = scheme.Headers;
        var found = new string[names.Count];
        for (var i = 0; i < found.Length; i++)
        {
            // An absent one passes here, and the scheme names it.
            var values = request.Headers[names[i]];
            if (values.Count > 1) return IntakeOutcome.DuplicateHeader;
            found[i] = values.Count == 1 ? values[0] ?? "" : "";
            if (found[i].Length > MaxHeaderLength) return IntakeOutcome.LongHeader;
        }

        head = new RequestHead(mediaType, names, found);
        return null;
    }

    private static bool IsUtf8(StringSegment charset) =>
        !charset.HasValue || charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase);
}
