using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Webhooks.FailureDrills.Declaring;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>
/// WireMock.Net 2, whose admin API has the same paths and other JSON. It has no reset, its EMPTY_RESPONSE is a 200 with an empty body, and its MALFORMED_RESPONSE_CHUNK scrambles
/// a body: those are not the faults that drills mean. It sends no Connection header, and a request is in its journal only once it has been answered.
/// </summary>
internal sealed class NetDialect : IAdminDialect
{
    // A member of their JSON, which the analyser takes for ours.
    private const string MatcherName = "Name";

    public string Name => "wiremock-net";

    public Can Can => Can.Delay | Can.Forward | Can.OddStatus;

    public IEnumerable<(Guid Id, JsonObject Mapping)> Map(string path, string scenario, Script script, Uri? forward)
    {
        var answers = script.Expanded;
        for (var i = 0; i < answers.Count; i++)
        {
            var id = Guid.NewGuid();
            var mapping = new JsonObject
            {
                ["Guid"] = id.ToString(), ["Title"] = string.Create(CultureInfo.InvariantCulture, $"{scenario} {i + 1}"),
                ["Request"] = On(path),
                ["Response"] = Respond(answers[i], forward),
            };
            if (answers.Count > 1)
            {
                mapping["Scenario"] = scenario;
                // A scenario begins without a state, and one that is given none begins again: so the last answer of a script that ends stays in its own state.
                if (i > 0) mapping["WhenStateIs"] = State(i);
                if (i < answers.Count - 1) mapping["SetStateTo"] = State(i + 1);
                else if (!script.IsCycle) mapping["SetStateTo"] = State(i);
            }

            yield return (id, mapping);
        }
    }

    /// <summary>PUT, which also a server takes that reads no body as JSON; POST there answers 500.</summary>
    public HttpRequestMessage Add(Guid id, JsonObject mapping) => new(HttpMethod.Put, $"mappings/{id}") { Content = JsonContent.Create(mapping) };

    /// <summary>Its states stay when the last mapping of a scenario is gone.</summary>
    public HttpRequestMessage? ForgetScenario(string scenario) => new(HttpMethod.Delete, $"scenarios/{scenario}");

    /// <summary>The whole journal would be that of all drills, with everything that it says of each match.</summary>
    public HttpRequestMessage AskJournal(string path) => new(HttpMethod.Post, "requests/find") { Content = JsonContent.Create(On(path)) };

    /// <summary>The server forgets all or nothing, and others may drill on it.</summary>
    public HttpRequestMessage? ForgetJournal(string path) => null;

    public IReadOnlyList<CapturedRequest> ReadJournal(JsonElement answer, string path) =>
    [
        .. answer.EnumerateArray().Select(entry => entry.GetProperty("Request")).Where(request => request.GetProperty("Path").GetString() == path)
            .OrderBy(request => request.GetProperty("DateTime").GetDateTimeOffset())
            .Select((request, i) => new CapturedRequest(
                i + 1, request.GetProperty("Method").GetString()!, path, JavaDialect.Headers(request.GetProperty("Headers")), Body(request),
                request.GetProperty("DateTime").GetDateTimeOffset())),
    ];

    private static JsonObject On(string path) => new()
    {
        ["Path"] = new JsonObject { ["Matchers"] = new JsonArray(new JsonObject { [MatcherName] = "ExactMatcher", ["Pattern"] = path }) },
    };

    private static byte[] Body(JsonElement request) =>
        request.TryGetProperty("BodyAsBytes", out var bytes) && bytes.ValueKind == JsonValueKind.String ? bytes.GetBytesFromBase64()
        : request.TryGetProperty("Body", out var body) && body.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(body.GetString()!) : [];

    private static JsonObject Respond(Answer answer, Uri? forward)
    {
        if (answer.IsForwarded)
        {
            return new JsonObject
            {
                ["ProxyUrl"] = forward?.GetLeftPart(UriPartial.Authority) ?? throw new NotSupportedByDriverException("there is no receiver to pass requests on to"),
            };
        }

        var response = new JsonObject { ["StatusCode"] = answer.Status };
        if (answer.Headers.Count > 0) response["Headers"] = JavaDialect.Headers(answer);
        if (answer.Body.Length > 0) response["BodyAsBytes"] = Convert.ToBase64String(answer.Body);
        if (answer.Delay > TimeSpan.Zero) response["Delay"] = (int)answer.Delay.TotalMilliseconds;
        return response;
    }

    private static string State(int index) => index.ToString(CultureInfo.InvariantCulture);
}
