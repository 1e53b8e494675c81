using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Api;

/// <summary>What the document says once for all routes.</summary>
internal static class ApiText
{
    public const string RequestId = "X-Request-Id";

    public static readonly IReadOnlyList<string> RateHeaders = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

    public const string Introduction =
        "Publishes events, manages applications, endpoints and keys, and tells how deliveries go.\n\n"
        + "Every request bears an API key. Every error has one shape, whose `code` is stable. "
        + "A POST with an `Idempotency-Key` is done once within 24 hours, whatever is repeated. "
        + "What a key may not see is answered exactly as what is not there. "
        + "Lists are newest first; `next` and `previous` of a page are the cursors of the pages around it. Times are UTC.";

    public static JsonObject Parameters() => Parse(
        """
        {"IdempotencyKey":{"name":"Idempotency-Key","in":"header","required":false,"schema":{"type":"string","minLength":1,"maxLength":255,"pattern":"^[!-~]+$"},
        "description":"The same key with the same request is answered what it was answered first, for 24 hours; with another request it is 409. Answers of 5xx and 429 are not kept.",
        "example":"6e0f1a52-0d6c-4a3c-9f0e-5f2b1c7d8e90"}}
        """);

    public static JsonObject Headers() => Parse(
        """
        {"XRequestId":{"description":"The request's id, as in the body of an error.","schema":{"type":"string"}},
        "RateLimitLimit":{"description":"How often the key may ask in a minute.","schema":{"type":"integer"}},
        "RateLimitRemaining":{"description":"About how often it still may.","schema":{"type":"integer"}},
        "RateLimitReset":{"description":"In how many seconds the count begins anew.","schema":{"type":"integer"}},
        "RetryAfter":{"description":"In how many seconds the same request may succeed.","schema":{"type":"integer"}},
        "IdempotencyReplayed":{"description":"true when this is the answer to an earlier request with the same Idempotency-Key.","schema":{"type":"string","enum":["true"]}}}
        """);

    public static JsonObject SecuritySchemes() => Parse(
        """
        {"bearer":{"type":"http","scheme":"bearer","description":"Authorization: Bearer wk_…"},
        "apiKey":{"type":"apiKey","in":"header","name":"Authorization","description":"Authorization: Api-Key wk_…"}}
        """);

    /// <summary>What the details of an error may be on a route.</summary>
    public static IReadOnlyDictionary<string, string[]> DetailsOf(ApiProblem problem, ApiRoute route)
    {
        if (problem == ApiProblem.Forbidden) return Of("scope", $"This needs a key with the scope {route.Scope}.");
        if (problem == ApiProblem.MalformedRequest) return Of("limit", "limit must be a whole number from 1 to 250.");
        if (problem == ApiProblem.ValidationFailed) return Of("name", "Must be there.");
        return ApiError.NoDetails;

        static Dictionary<string, string[]> Of(string field, string message) => new() { [field] = [message] };
    }

    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;
}
