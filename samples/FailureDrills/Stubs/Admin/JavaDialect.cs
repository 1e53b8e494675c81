using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Webhooks.FailureDrills.Declaring;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>WireMock (Java) 3.</summary>
internal sealed class JavaDialect : IAdminDialect
{
    public string Name => "wiremock";

    public Can Can =>
        Can.Delay | Can.Dribble | Can.EmptyReply | Can.Reset | Can.MalformedChunk | Can.RandomBytes | Can.Forward | Can.OddStatus | Can.Close | Can.UnderWay;

    public IEnumerable<(Guid Id, JsonObject Mapping)> Map(string path, string scenario, Script script, Uri? forward)
    {
        var answers = script.Expanded;
        for (var i = 0; i < answers.Count; i++)
        {
            var id = Guid.NewGuid();
            var mapping = new JsonObject
            {
                ["id"] = id.ToString(), ["name"] = FormattableString.Invariant($"{scenario} {i + 1}"),
                ["request"] = new JsonObject { ["method"] = "ANY", ["urlPath"] = path }, ["response"] = Respond(answers[i], forward),
            };
            if (answers.Count > 1)
            {
                mapping["scenarioName"] = scenario;
                mapping["requiredScenarioState"] = State(i);
                if (i < answers.Count - 1 || script.IsCycle) mapping["newScenarioState"] = State(i == answers.Count - 1 ? 0 : i + 1);
            }

            yield return (id, mapping);
        }
    }

    public HttpRequestMessage Add(Guid id, JsonObject mapping) => new(HttpMethod.Post, "mappings") { Content = JsonContent.Create(mapping) };

    /// <summary>A scenario ends with its last mapping.</summary>
    public HttpRequestMessage? ForgetScenario(string scenario) => null;

    public HttpRequestMessage AskJournal(string path) => new(HttpMethod.Post, "requests/find") { Content = Criteria(path) };

    public HttpRequestMessage? ForgetJournal(string path) => new(HttpMethod.Post, "requests/remove") { Content = Criteria(path) };

    public IReadOnlyList<CapturedRequest> ReadJournal(JsonElement answer, string path) =>
    [
        .. answer.GetProperty("requests").EnumerateArray().Where(request => request.GetProperty("url").GetString() is { } url && url.Split('?')[0] == path)
            // Stable: those of the same millisecond stay as the server gave them.
            .OrderBy(request => request.GetProperty("loggedDate").GetInt64())
            .Select((request, i) => new CapturedRequest(
                i + 1, request.GetProperty("method").GetString()!, request.GetProperty("url").GetString()!, Headers(request.GetProperty("headers")),
                request.GetProperty("bodyAsBase64").GetBytesFromBase64(), DateTimeOffset.FromUnixTimeMilliseconds(request.GetProperty("loggedDate").GetInt64()))),
    ];

    /// <summary>Names with one value as a text, or several as an array.</summary>
    public static Dictionary<string, IReadOnlyList<string>> Headers(JsonElement headers) => headers.EnumerateObject().ToDictionary(
        header => header.Name,
        header => (IReadOnlyList<string>)(header.Value.ValueKind == JsonValueKind.Array
            ? [.. header.Value.EnumerateArray().Select(value => value.GetString()!)] : [header.Value.GetString()!]),
        StringComparer.OrdinalIgnoreCase);

    /// <summary>The headers of an answer: a text for a name with one value, else an array.</summary>
    public static JsonObject Headers(Answer answer) => new(answer.Headers.GroupBy(header => header.Name).Select(same => KeyValuePair.Create(
        same.Key, same.Count() == 1 ? (JsonNode?)same.Single().Value : new JsonArray([.. same.Select(header => JsonValue.Create(header.Value))]))));

    private static JsonObject Respond(Answer answer, Uri? forward)
    {
        if (answer.IsForwarded)
        {
            return new JsonObject
            {
                // The path is the receiver's own, which it has for the whole drill.
                ["proxyBaseUrl"] = forward?.GetLeftPart(UriPartial.Authority) ?? throw new NotSupportedByDriverException("there is no receiver to pass requests on to"),
            };
        }

        var response = new JsonObject { ["status"] = answer.Status };
        if (answer.Headers.Count > 0) response["headers"] = Headers(answer);
        if (answer.Body.Length > 0) response["base64Body"] = Convert.ToBase64String(answer.Body);
        if (answer.Delay > TimeSpan.Zero) response["fixedDelayMilliseconds"] = (int)answer.Delay.TotalMilliseconds;
        if (answer.Pieces > 0)
            response["chunkedDribbleDelay"] = new JsonObject { ["numberOfChunks"] = answer.Pieces, ["totalDuration"] = (int)answer.DribbledOver.TotalMilliseconds };
        if (Word(answer.Fault) is { } fault) response["fault"] = fault;
        return response;
    }

    private static string? Word(Fault fault) => fault switch
    {
        Fault.EmptyReply => "EMPTY_RESPONSE",
        Fault.Reset => "CONNECTION_RESET_BY_PEER",
        Fault.MalformedChunk => "MALFORMED_RESPONSE_CHUNK",
        Fault.RandomBytes => "RANDOM_DATA_THEN_CLOSE",
        _ => null,
    };

    // What a scenario begins with is given by the server.
    private static string State(int index) => index == 0 ? "Started" : index.ToString(CultureInfo.InvariantCulture);

    private static JsonContent Criteria(string path) => JsonContent.Create(new JsonObject { ["method"] = "ANY", ["urlPath"] = path });
}
