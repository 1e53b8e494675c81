using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Dispatcher.Api;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>Keys, secrets and events' data are where they belong, and nowhere else: everything that is written anywhere is searched for them.</summary>
public sealed class CanaryTests : IDisposable
{
    private const string Data = "canary-in-the-data-of-an-event";

    private readonly Capture _written = new();
    private readonly List<string> _answers = [];
    private readonly HashSet<string> _canaries = [];

    [Fact]
    public async Task Secrets_WhateverIsDoneAndWhateverFails_AreInNoLogErrorTraceAuditRowDocumentOrTable()
    {
        using var traces = _written.Listen();
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Of(500));
        await using var api = new ApiPlatform(await Platform.StartAsync(
            services: services => services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(_written)), map: app => app.MapWebhookDispatcher()));
        var admin = await api.KeyAsync();
        AddKey(admin);
        var created = await AskAsync(api, admin, "POST", "/keys", $$"""{"name":"a","scopes":["{{string.Join("\",\"", WebhookApiScopes.All)}}"]}""", 201, "key");
        var key = created.Text("key");
        AddKey(key);
        var application = (await AskAsync(api, key, "POST", "/applications", """{"name":"a"}""", 201)).Text("id");
        var (given, next) = (WebhookSecret.Generate().Reveal(), WebhookSecret.Generate().Reveal());
        AddSecret(given);
        AddSecret(next);
        // Twice, the second time from the answer that was kept.
        var (endpoints, wanted, endpoint) = ($"/applications/{application}/endpoints", $$"""{"url":"{{receiver.Url}}","secret":"{{given}}"}""", "");
        for (var i = 0; i < 2; i++) endpoint = (await AskAsync(api, key, "POST", endpoints, wanted, 201, "secret", idempotencyKey: "create")).Text("id");
        await AskAsync(api, key, "POST", $"/endpoints/{endpoint}/rotate-secret", $$"""{"secret":"{{next}}"}""", 200, "secret");
        var generated = await AskAsync(api, key, "POST", $"/applications/{application}/endpoints", """{"url":"http://127.0.0.1:9/other"}""", 201, "secret");
        AddSecret(generated.Text("secret"));
        // A customer's own credential: it goes to the endpoint with each attempt, and is shown nowhere.
        var credential = "canary-credential-" + Guid.NewGuid().ToString("N");
        _canaries.UnionWith([credential, Convert.ToHexStringLower(Encoding.UTF8.GetBytes(credential))]);
        await AskAsync(api, key, "PATCH", $"/endpoints/{endpoint}", $$"""{"headers":{"Authorization":"Bearer {{credential}}","X-Tenant":"{{credential}}"} }""", 200);
        await AskAsync(api, key, "POST", $"/applications/{application}/endpoints", $$"""{"url":"http://127.0.0.1:9/bad","headers":{"Bad Name":"{{credential}}","X-A":["{{credential}}"]} }""", 422);
        await AskAsync(api, key, "PUT", "/event-types/order.checked", """{"schema":{"properties":{"card":{"type":["integer","null"],"maxLength":3,"pattern":"^x","format":"uuid","enum":[1]}}}}""", 200);
        await AskAsync(api, key, "POST", $"/applications/{application}/events", $$"""{"type":"order.checked","data":{"card":"{{Data}}"} }""", 422);
        await AskAsync(api, key, "POST", $"/applications/{application}/events", $$"""{"type":"order.paid","data":{"card":"{{Data}}"} }""", 202);
        // Of both endpoints, of which only one has the receiver behind it.
        await Platform.UntilAsync(async () => await api.Platform.ScalarAsync<long>("SELECT count(DISTINCT endpoint) FROM webhooks.attempt") == 2, "an attempt at each has failed");

        Assert.Contains(receiver.Requests, request => request.Header("Authorization") == $"Bearer {credential}");
        Assert.Contains(_written.Lines, line => line.StartsWith("webhooks.send ", StringComparison.Ordinal));

        await FailAsync(api, key, application, endpoint, given);
        foreach (var path in new[]
        {
            "/audit", "/keys", $"/keys/{created.Text("id")}",
            "/applications", $"/endpoints/{endpoint}", endpoints, $"/endpoints/{endpoint}/attempts", $"/endpoints/{endpoint}/stream", $"/endpoints/{endpoint}/settlements",
        })
            await AskAsync(api, key, "GET", path, null, 200);
        var stored = await StoredAsync(api);
        using var http = new HttpClient { BaseAddress = api.Platform.Url };
        string[] pages = [await http.GetStringAsync("/openapi/v1.json"), await http.GetStringAsync("/openapi/")];

        // What may hold an event's data is its own table and the answers that read it; none of them is here but the table.
        AssertNone("an answer", _answers, [.. _canaries, Data]);
        AssertNone("the document", pages, [.. _canaries, Data]);
        AssertNone("the log or a trace", _written.Lines, [.. _canaries, Data]);
        AssertNone("a table", stored, _canaries);
        Assert.Contains(_written.Lines, line => line.Contains("PostgresException", StringComparison.Ordinal));
        // The search finds what it looks for.
        Assert.Throws<Xunit.Sdk.FailException>(() => AssertNone("a text", [$"… {key} …"], _canaries));
    }

    public void Dispose() => _written.Dispose();

    /// <summary>
    /// Requests that are refused, each with something in its body or its head that must not come back or be written down. None has it in its URL: hosts log those.
    /// </summary>
    private async Task FailAsync(ApiPlatform api, string key, string application, string endpoint, string secret)
    {
        var stranger = ApiKeys.Generate();
        AddKey(stranger);
        await AskAsync(api, stranger, "GET", "/applications", null, 401);
        await AskAsync(api, key, "POST", "/keys", $$"""{"name":"{{key}}" """, 400);
        await AskAsync(
            api, key, "POST", "/keys", $$"""{"name":["{{key}}"],"scopes":["{{key}}"],"application":"{{key}}","endpoint":"{{secret}}","expires_at":"{{secret}}"}""", 422);
        await AskAsync(
            api, key, "POST", $"/applications/{application}/endpoints",
            $$"""{"url":"{{secret}}","secret":"{{secret}}=","ordering":"{{secret}}","event_types":["{{secret}}"]}""", 422);
        await AskAsync(api, key, "POST", $"/endpoints/{endpoint}/rotate-secret", $$"""{"secret":"{{secret}}","overlap_seconds":"{{secret}}"}""", 422);
        await AskAsync(api, key, "POST", $"/applications/{application}/events", $$"""{"type":"{{secret}}","data":"{{Data}}"}""", 422);
        // What the database refuses, it tells with the row that it refuses.
        foreach (var table in new[] { "api_key", "endpoint_secret", "event" })
            await api.Platform.ExecuteAsync($"ALTER TABLE webhooks.{table} ADD CONSTRAINT canary CHECK (false) NOT VALID");
        await AskAsync(api, key, "POST", "/keys", """{"name":"a","scopes":["events:read"]}""", 500);
        await AskAsync(api, key, "POST", $"/applications/{application}/endpoints", $$"""{"url":"http://127.0.0.1:9/third","secret":"{{secret}}"}""", 500);
        await AskAsync(api, key, "POST", $"/applications/{application}/events", $$"""{"type":"order.paid","data":{"card":"{{Data}}"} }""", 503, orStatus: 500);
        foreach (var table in new[] { "api_key", "endpoint_secret", "event" }) await api.Platform.ExecuteAsync($"ALTER TABLE webhooks.{table} DROP CONSTRAINT canary");
    }

    /// <param name="shown">The one field of the answer that shows a secret, and is no leak.</param>
    private async Task<ApiAnswer> AskAsync(
        ApiPlatform api, string key, string method, string path, string? body, int status, string? shown = null, string? idempotencyKey = null, int? orStatus = null)
    {
        var answer = await api.AskAsync(key, method, path, body, idempotencyKey);
        Assert.True(answer.Status == status || answer.Status == orStatus, $"{method} {path}: {answer.Status} {answer.Body?.ToJsonString()}");
        var kept = answer.Body?.DeepClone() as JsonObject ?? [];
        if (shown is not null) Assert.True(kept.Remove(shown));
        _answers.Add(kept.ToJsonString() + string.Concat(answer.Headers.Select(header => $"\n{header.Key}: {header.Value}")));
        return answer;
    }

    /// <summary>Every row of every table as text, what is binary as hex.</summary>
    private static async Task<List<string>> StoredAsync(ApiPlatform api)
    {
        var rows = new List<string>();
        foreach (var table in await api.Platform.ListAsync<string>(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'webhooks'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"))
            rows.AddRange(await api.Platform.ListAsync<string>($"SELECT '{table} ' || to_jsonb(t)::text FROM webhooks.\"{table}\" t"));
        Assert.Contains(rows, row => row.StartsWith("audit ", StringComparison.Ordinal));
        return rows;
    }

    private void AddKey(string key) => _canaries.UnionWith([key[ApiKeys.Shown(key).Length..], Convert.ToHexStringLower(Encoding.UTF8.GetBytes(key))]);

    private void AddSecret(string secret)
    {
        var payload = secret[WebhookSecret.Prefix.Length..];
        // As it is written, as bytes, and as JSON may write its plus signs.
        _canaries.UnionWith([payload, payload.TrimEnd('='), payload.Replace("+", "\\u002B", StringComparison.Ordinal)]);
        _canaries.Add(Convert.ToHexStringLower(Convert.FromBase64String(payload)));
        _canaries.Add(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)));
    }

    private static void AssertNone(string where, IEnumerable<string> texts, IReadOnlyCollection<string> canaries)
    {
        foreach (var text in texts)
            foreach (var canary in canaries)
                if (text.IndexOf(canary, StringComparison.OrdinalIgnoreCase) is >= 0 and var at)
                    Assert.Fail($"In {where}: {text[Math.Max(0, at - 300)..Math.Min(text.Length, at + 100)]}");
    }

    /// <summary>All that is logged, at whatever level, and all that is traced.</summary>
    private sealed class Capture : ILoggerProvider
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> Lines => _lines;

        public ActivityListener Listen()
        {
            var listener = new ActivityListener
            {
                ShouldListenTo = _ => true, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity => _lines.Enqueue(
                    $"{activity.DisplayName} {activity.StatusDescription} {string.Join(' ', activity.TagObjects)} {string.Join(' ', activity.Events.SelectMany(one => one.Tags))}"),
            };
            ActivitySource.AddActivityListener(listener);
            return listener;
        }

        public ILogger CreateLogger(string categoryName) => new Logger(_lines, categoryName);

        public void Dispose()
        {
        }

        private sealed class Logger(ConcurrentQueue<string> lines, string category) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull
            {
                lines.Enqueue($"{category} scope {Fields(state)}");
                return null;
            }

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                lines.Enqueue($"{category} {eventId} {formatter(state, exception)} {Fields(state)} {exception}");

            private static string Fields<TState>(TState state) =>
                state is IEnumerable<KeyValuePair<string, object?>> fields ? string.Join(' ', fields.Select(field => $"{field.Key}={field.Value}")) : $"{state}";
        }
    }
}
