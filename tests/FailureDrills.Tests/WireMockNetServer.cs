using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Webhooks.FailureDrills.Tests;

/// <summary>
/// Speaks the admin API of WireMock.Net 2.15 where that cannot be had: mappings with scenarios, delays and proxies, and its journal. tests/FailureDrills.WireMockNet.Tests
/// runs the same drills on the real one, whose ways this one has: a request is in the journal once it is answered, Connection headers are left out, states of scenarios stay.
/// </summary>
internal sealed class WireMockNetServer : IAsyncDisposable
{
    private static readonly HttpClient Onward = new(new SocketsHttpHandler { UseProxy = false });
    private readonly Lock _gate = new();
    private readonly List<JsonObject> _mappings = [];
    private readonly Dictionary<string, string?> _states = [];
    private readonly ConcurrentQueue<JsonObject> _journal = new();
    private readonly WebApplication _app;

    private WireMockNetServer(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    public int Mappings
    {
        get
        {
            lock (_gate) return _mappings.Count;
        }
    }

    public int Scenarios
    {
        get
        {
            lock (_gate) return _states.Count;
        }
    }

    public static async Task<WireMockNetServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new WireMockNetServer(app);
        app.MapGet("/__admin/mappings", () => Results.Json(Array.Empty<object>()));
        app.MapPut("/__admin/mappings/{id:guid}", (Delegate)server.AddAsync);
        app.MapDelete("/__admin/mappings/{id:guid}", server.Remove);
        app.MapDelete("/__admin/scenarios/{name}", server.Forget);
        app.MapPost("/__admin/requests/find", (Delegate)server.FindAsync);
        app.MapFallback("/{**path}", server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> AddAsync(Guid id, HttpContext context)
    {
        if (context.Request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) != true) return Results.BadRequest();
        var mapping = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        if (mapping["Request"] is null || mapping["Response"] is null) return Results.BadRequest();
        lock (_gate) _mappings.Add(mapping);
        return Results.Json(new { Guid = id.ToString(), Status = "Mapping added or updated" });
    }

    private IResult Remove(Guid id)
    {
        lock (_gate) return _mappings.RemoveAll(mapping => Guid.Parse(mapping["Guid"]!.GetValue<string>()) == id) > 0 ? Results.Ok() : Results.NotFound();
    }

    private IResult Forget(string name)
    {
        lock (_gate) return _states.Remove(name) ? Results.Ok() : Results.NotFound();
    }

    private async Task<IResult> FindAsync(HttpContext context)
    {
        var path = (await JsonNode.ParseAsync(context.Request.Body))!["Path"]!["Matchers"]![0]!["Pattern"]!.GetValue<string>();
        var found = _journal.Where(entry => entry["Request"]!["Path"]!.GetValue<string>() == path).Select(entry => entry.DeepClone());
        return Results.Content(new JsonArray([.. found]).ToJsonString(), "application/json");
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var at = DateTime.UtcNow;
        var body = await reader.ReadToEndAsync();
        var path = context.Request.Path.Value!;
        var mapping = Choose(path);
        var entry = new JsonObject
        {
            ["Guid"] = Guid.NewGuid().ToString(), ["MappingGuid"] = mapping?["Guid"]?.DeepClone(),
            ["Request"] = new JsonObject
            {
                ["ClientIP"] = "127.0.0.1", ["DateTime"] = JsonSerializer.SerializeToNode(at), ["Path"] = path, ["AbsolutePath"] = path, ["Method"] = context.Request.Method,
                ["Headers"] = new JsonObject(context.Request.Headers.Select(header => KeyValuePair.Create(
                    header.Key, (JsonNode?)new JsonArray([.. header.Value.Select(value => JsonValue.Create(value))])))),
                ["Body"] = body, ["BodyAsJson"] = body.Length > 0 ? JsonNode.Parse(body) : null, ["DetectedBodyType"] = "Json",
            },
        };
        if (mapping?["Response"]?["Delay"] is { } delay) await Task.Delay(delay.GetValue<int>());
        _journal.Enqueue(entry);
        if (mapping?["Response"] is not JsonObject response)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (response["ProxyUrl"] is { } proxy)
        {
            await PassOnAsync(context, new Uri(new Uri(proxy.GetValue<string>()), path), body);
            return;
        }

        context.Response.StatusCode = response["StatusCode"]!.GetValue<int>();
        foreach (var (name, value) in (response["Headers"]?.AsObject() ?? []).Where(header => header.Key is not "Connection"))
            context.Response.Headers[name] = value is JsonArray many ? (string[])[.. many.Select(one => one!.GetValue<string>())] : value!.GetValue<string>();
        if (response["BodyAsBytes"] is { } bytes) await context.Response.Body.WriteAsync(Convert.FromBase64String(bytes.GetValue<string>()));
    }

    /// <summary>A scenario begins with no state, and a mapping without a next state leaves it without one.</summary>
    private JsonObject? Choose(string path)
    {
        lock (_gate)
        {
            var chosen = _mappings.LastOrDefault(mapping => mapping["Request"]!["Path"]!["Matchers"]![0]!["Pattern"]!.GetValue<string>() == path
                && mapping["WhenStateIs"]?.GetValue<string>() == (mapping["Scenario"] is { } scenario ? _states.GetValueOrDefault(scenario.GetValue<string>()) : null));
            if (chosen?["Scenario"] is { } entered) _states[entered.GetValue<string>()] = chosen["SetStateTo"]?.GetValue<string>();
            return chosen;
        }
    }

    private static async Task PassOnAsync(HttpContext context, Uri to, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, to) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        foreach (var (name, values) in context.Request.Headers)
        {
            if (name is "Host" or "Content-Length") continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) request.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        using var answer = await Onward.SendAsync(request);
        context.Response.StatusCode = (int)answer.StatusCode;
    }
}
