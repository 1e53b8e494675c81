using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Webhooks.Dispatcher.Api;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>The OpenAPI document, the page made of it, and what is checked in of them. <c>./eng/api-reference</c> writes the files anew.</summary>
public partial class DocumentTests
{
    private const string UpdateVariable = "WEBHOOKS_UPDATE_API";
    private const string Command = "./eng/api-reference";

    [Fact]
    public async Task Document_IsTheOneThatIsCheckedIn()
    {
        await using var api = await ApiPlatform.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Platform.Url };
        var served = await http.GetStringAsync("/openapi/v1.json");
        Assert.Equal(served, await http.GetStringAsync("/v1/openapi.json"));
        AssertFile("openapi.json", _ => served);
    }

    [Fact]
    public void Errors_InTheDocs_AreAllThereAre() => AssertFile("errors.md", text =>
    {
        var table = new StringBuilder("| status | code | when | what to do | repeat |\n|---|---|---|---|---|\n");
        foreach (var problem in ApiProblem.All)
            table.Append($"| {problem.Status} | `{problem.Code}` | {Cell(problem.When)} | {Cell(problem.WhatToDo)} | {(problem.Retry ? "yes" : "no")} |\n");
        return Table().Replace(text, $"$1\n{table.Replace("$", "$$")}$2");

        static string Cell(string words) => words.Replace("|", "\\|", StringComparison.Ordinal);
    });

    [Fact]
    public void Problems_AllThatTheCodeKnows_AreInTheList()
    {
        var known = typeof(ApiProblem).GetFields().Where(field => field.FieldType == typeof(ApiProblem)).Select(field => (ApiProblem)field.GetValue(null)!).ToList();
        Assert.Equal(known.Select(problem => problem.Code).Order(), ApiProblem.All.Select(problem => problem.Code).Order());
        Assert.Equal(known.Count, known.Select(problem => problem.Code).Distinct().Count());
    }

    [Fact]
    public async Task Examples_OfRequestsAndAnswers_FitTheirSchemas()
    {
        var document = await ReadAsync();
        var check = new SchemaCheck(document, closed: true);
        var ids = new HashSet<string>();
        foreach (var (path, method, operation) in Operations(document))
        {
            var name = $"{method} {path}";
            Assert.True(ids.Add((string)operation["operationId"]!), $"{name}: its operationId is another one's, too.");
            Assert.Equal(
                PathParameter().Matches(path).Select(match => match.Groups[1].Value).Order(),
                ((JsonArray?)operation["parameters"] ?? []).Where(parameter => (string?)parameter!["in"] == "path").Select(parameter => (string)parameter!["name"]!).Order());
            if (operation["requestBody"]?["content"]?["application/json"] is { } body)
            {
                Assert.True(body["example"] is not null, $"{name} has no example of its body.");
                AssertFits(name + ", body", check.Problems(body["schema"]!, body["example"]));
            }

            foreach (var (status, stated) in (JsonObject)operation["responses"]!)
            {
                var response = (string?)stated!["$ref"] is { } reference ? check.Resolve(reference) : stated;
                if (response["content"]?["application/json"] is not { } content) continue;
                if (content["example"] is { } example) AssertFits($"{name}, {status}", check.Problems(content["schema"]!, example));
                foreach (var (code, one) in content["examples"] as JsonObject ?? []) AssertFits($"{name}, {code}", check.Problems(content["schema"]!, one!["value"]));
            }
        }

        static void AssertFits(string what, IReadOnlyList<string> problems) => Assert.True(problems.Count == 0, $"{what}: {string.Join("; ", problems)}");
    }

    [Fact]
    public async Task Page_ShowsEveryRoute_AndLoadsNothing()
    {
        await using var api = await ApiPlatform.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Platform.Url };
        var response = await http.GetAsync("/openapi/");
        var page = await response.Content.ReadAsStringAsync();
        Assert.Equal("text/html", response.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.DoesNotMatch(@"<script|\ssrc=|<link|@import|url\(", page);
        foreach (var (_, _, operation) in Operations((JsonObject)JsonNode.Parse(await http.GetStringAsync("/openapi/v1.json"))!))
            Assert.Contains($"id=\"{operation["operationId"]}\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reference_WhereTheHostHasItsOwnAtTheSamePath_LeavesItAlone()
    {
        await using var platform = await Platform.StartAsync(worker: false, map: app =>
        {
            Microsoft.AspNetCore.Builder.EndpointRouteBuilderExtensions.MapGet(app, "/openapi/{name}.json", (string name) => "the host's " + name);
            Microsoft.AspNetCore.Builder.WebhookDispatcherEndpointRouteBuilderExtensions.MapWebhookDispatcher(app);
        });
        using var http = new HttpClient { BaseAddress = platform.Url };
        Assert.Equal("the host's v1", await http.GetStringAsync("/openapi/v1.json"));
        Assert.Contains("\"openapi\": \"3.1.0\"", await http.GetStringAsync("/v1/openapi.json"), StringComparison.Ordinal);
    }

    /// <summary>The document of a platform.</summary>
    private static async Task<JsonObject> ReadAsync()
    {
        await using var api = await ApiPlatform.StartAsync();
        return await api.DocumentAsync();
    }

    internal static IEnumerable<(string Path, string Method, JsonNode Operation)> Operations(JsonObject document) =>
        from path in (JsonObject)document["paths"]!
        from operation in (JsonObject)path.Value!
        select (path.Key, operation.Key.ToUpperInvariant(), operation.Value!);

    private static void AssertFile(string name, Func<string, string> make)
    {
        var file = Path.Combine(Here(), "..", "..", "..", "docs", name);
        var kept = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        var made = make(kept);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1") File.WriteAllText(file, made);
        else Assert.True(made == kept, $"docs/{name} is not what the code says. If that is meant, run {Command} and commit the file.");
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [GeneratedRegex(@"(<!-- codes -->)\n.*?(<!-- /codes -->)", RegexOptions.Singleline)]
    private static partial Regex Table();

    [GeneratedRegex(@"\{([^}]+)\}")]
    private static partial Regex PathParameter();
}
