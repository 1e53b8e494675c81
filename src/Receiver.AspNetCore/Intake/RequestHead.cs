using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Webhooks.Receiver;

/// <summary>Judges a request by its head, before a byte of its body is read.</summary>
internal static class RequestHead
{
    /// <summary>The longest value of a header that a scheme looks at, in characters.</summary>
    public const int MaxHeaderLength = 4096;

    private const string Json = "application/json";

    /// <summary>Why it is refused; null when it is not.</summary>
    /// <param name="request">The request.</param>
    /// <param name="scheme">The source's scheme.</param>
    /// <param name="mediaType">Its media type, in lower case and without parameters.</param>
    public static IntakeOutcome? Judge(HttpRequest request, IWebhookScheme scheme, out string mediaType)
    {
        mediaType = "";
        // The signature is over the bytes on the wire, and so has to be what is read.
        if (!StringValues.IsNullOrEmpty(request.Headers.ContentEncoding)) return IntakeOutcome.ContentEncoding;
        if (request.ContentType == Json) mediaType = Json;
        else if (MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) && IsUtf8(parsed.Charset)) mediaType = parsed.MediaType.ToString().ToLowerInvariant();
        else return IntakeOutcome.MediaType;
        if (!scheme.Takes(mediaType)) return IntakeOutcome.MediaType;
        foreach (var name in scheme.Headers)
        {
            // An absent one passes here, and the scheme names it.
            var values = request.Headers[name];
            if (values.Count > 1) return IntakeOutcome.DuplicateHeader;
            if (values.Count == 1 && values[0]?.Length > MaxHeaderLength) return IntakeOutcome.LongHeader;
        }

        return null;
    }

    private static bool IsUtf8(StringSegment charset) =>
        !charset.HasValue || charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase);
}
