using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Webhooks.Dispatcher.Api;
using Xunit.Abstractions;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>
/// Thousands of requests made from the document, most of them bad: never a 5xx, every error in its envelope, every answer as the document describes it.
/// <c>WEBHOOKS_FUZZ_SEED</c> repeats a run, <c>WEBHOOKS_FUZZ_REQUESTS</c> says how many each route gets.
/// </summary>
public class FuzzTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Routes_AskedAnythingAtAll_AnswerAsTheDocumentSays()
    {
        var seed = Setting("WEBHOOKS_FUZZ_SEED") ?? Random.Shared.Next();
        var each = Setting("WEBHOOKS_FUZZ_REQUESTS") ?? 150;
        output.WriteLine($"WEBHOOKS_FUZZ_SEED={seed}");
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var key = await world.KeyAsync();
        var document = await api.DocumentAsync();
        var requests = new FuzzRequests(document, world.Ids);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 };
        using var http = new HttpClient(handler) { BaseAddress = api.Platform.Url };
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var (operations, asked, statuses) = (DocumentTests.Operations(document).ToList(), 0, new SortedDictionary<int, int>());
        await Parallel.ForEachAsync(
            Enumerable.Range(0, operations.Count * each), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, cancel) =>
            {
                var (path, method, operation) = operations[i % operations.Count];
                // Else nothing could be published once an application was suspended.
                if (i % 20 == 0) await api.Platform.ExecuteAsync("UPDATE webhooks.application SET suspended_at = NULL, daily_quota = NULL");
                using var request = requests.Make(new Random(unchecked(seed + i)), path, method, operation, key.Key);
                var sent = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancel);
                using var response = await http.SendAsync(request, cancel);
                var body = await response.Content.ReadAsByteArrayAsync(cancel);
                var problems = Problems(document, request, operation, response, body);
                lock (found)
                {
                    asked++;
                    statuses[(int)response.StatusCode] = statuses.GetValueOrDefault((int)response.StatusCode) + 1;
                    foreach (var problem in problems)
                        found.TryAdd($"{method} {path}: {problem}", $"\n   {Short($"{request}")}\n   {Short(sent)}\n   -> {Short(Encoding.UTF8.GetString(body))}");
                }
            });
        output.WriteLine($"{asked} requests to {operations.Count} routes: {string.Join(", ", statuses.Select(pair => $"{pair.Key}: {pair.Value}"))}");
        Assert.True(found.Count == 0, $"WEBHOOKS_FUZZ_SEED={seed}\n" + string.Join('\n', found.Take(25).Select(pair => pair.Key + pair.Value)));
        Assert.Superset(new HashSet<int> { 200, 201, 400, 401, 404, 405, 413, 415, 422 }, statuses.Keys.ToHashSet());
    }

    private static List<string> Problems(JsonObject document, HttpRequestMessage request, JsonNode operation, HttpResponseMessage response, byte[] bytes)
    {
        var (problems, status) = (new List<string>(), (int)response.StatusCode);
        if (status >= 500) problems.Add($"{status}");
        JsonNode? body = null;
        try
        {
            if (bytes.Length > 0) body = JsonNode.Parse(bytes);
        }
        catch (JsonException)
        {
            problems.Add($"{status} with a body that is not JSON");
        }

        if (bytes.Length > 0 && response.Content.Headers.ContentType?.ToString() != "application/json") problems.Add($"{status} is {response.Content.Headers.ContentType}");
        // It passes for a receiver's own (docs/protocol.md), which has codes of its own.
        if (request.Headers.Contains("webhook-id") && ((string?)operation["description"])!.Contains("request of the endpoint's receiver", StringComparison.Ordinal)) return problems;
        if (status >= 400)
        {
            var envelope = new SchemaCheck(document, closed: true).Problems(ApiSchemas.Ref("Error"), body);
            problems.AddRange(envelope.Select(problem => $"{status} in another shape: {problem}"));
            var ids = response.Headers.TryGetValues("X-Request-Id", out var values) ? string.Join(",", values) : "";
            // A refusal that is answered again is the first one, to the letter.
            if (envelope.Count == 0 && !response.Headers.Contains("Idempotency-Replayed") && (string?)body!["error"]!["request_id"] != ids)
                problems.Add($"{status} with two request ids");
        }

        // Another method is another operation, or none.
        var keyed = request.Headers.TryGetValues("Authorization", out var authorization) && authorization.Any(value => value.Length > 0);
        if (!keyed || status == 405 || !string.Equals(request.Method.Method, Named(operation), StringComparison.OrdinalIgnoreCase)) return problems;
        var stated = operation["responses"]![$"{status}"];
        if (stated is null)
        {
            problems.Add($"{status} {body?["error"]?["code"]} is not described");
            return problems;
        }

        var described = (string?)stated["$ref"] is { } reference ? new SchemaCheck(document, true).Resolve(reference) : stated;
        if (described["content"]?["application/json"]?["schema"] is { } schema)
            problems.AddRange(new SchemaCheck(document, closed: true).Problems(schema, body).Select(problem => $"{status} is not as described: {problem}"));
        else if (body is not null) problems.Add($"{status} has a body and is described without one");
        return problems;
    }

    /// <summary>The method that an operation's id begins with.</summary>
    private static string Named(JsonNode operation) => string.Concat(((string)operation["operationId"]!).TakeWhile(char.IsLower));

    private static string Short(string text) => text.Length <= 400 ? text : $"{text[..400]}… ({text.Length})";

    private static int? Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : null;
}
