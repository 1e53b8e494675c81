using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Testing;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>A dispatcher with its management API on real Kestrel, on a database of its own; all that it logs is kept.</summary>
internal sealed class TestPlatform : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;
    private readonly string _database;

    private TestPlatform(WebApplication app, string database, KeptLog log)
    {
        (_app, _database, Log) = (app, database, log);
        _http = new HttpClient { BaseAddress = Url };
    }

    public KeptLog Log { get; }

    public Uri Url => new(_app.Urls.First());

    public IWebhookEndpoints Endpoints => _app.Services.GetRequiredService<IWebhookEndpoints>();

    public static async Task<TestPlatform> StartAsync()
    {
        var database = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        var log = new KeptLog();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = database;
            options.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            options.Sequencing.PollInterval = TimeSpan.FromMilliseconds(50);
            options.Delivery.PollInterval = TimeSpan.FromMilliseconds(20);
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(40));
        });
        var app = builder.Build();
        app.MapWebhookDispatcher();
        await app.StartAsync();
        return new TestPlatform(app, database, log);
    }

    /// <summary>An application with one endpoint.</summary>
    public async Task<(WebhookApplicationId Application, CreatedEndpoint Endpoint)> AddEndpointAsync(Uri url, WebhookSecret? secret = null)
    {
        var application = await _app.Services.GetRequiredService<IWebhookApplications>().CreateAsync("customer");
        return (application, await Endpoints.CreateAsync(application, new EndpointSettings(url.ToString()) { Secret = secret }));
    }

    public async Task PublishAsync(WebhookApplicationId application, int count = 1)
    {
        var publisher = _app.Services.GetRequiredService<IWebhookPublisher>();
        for (var i = 0; i < count; i++) await publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "{}"));
    }

    public async Task<string> KeyAsync(Func<ApiKeySettings, ApiKeySettings>? change = null)
    {
        var settings = new ApiKeySettings("test") { RequestsPerMinute = 1_000_000 };
        return (await _app.Services.GetRequiredService<IWebhookApiKeys>().CreateAsync(change?.Invoke(settings) ?? settings)).Key;
    }

    /// <summary>Asks the API.</summary>
    public async Task<(int Status, JsonNode Body, string Text)> AskAsync(string key, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/v1" + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, JsonNode.Parse(text)!, text);
    }

    /// <summary>Asks as a receiver with a key does, and says whether the answer bears a signature of the secret.</summary>
    public async Task<(int Status, JsonNode Body, bool IsSigned)> AskAsReceiverAsync(string? key, HttpRequestMessage request, WebhookSecret secret)
    {
        const string id = "req_1";
        request.Headers.Add(WebhookHeaders.Id, id);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await _http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        var verified = WebhookVerifier.Verify(
            Header(WebhookHeaders.Id), Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), bytes, [secret], DateTimeOffset.UtcNow,
            prefix: SignedContent.AnswerPrefix(id));
        return ((int)response.StatusCode, JsonNode.Parse(bytes)!, verified.IsValid);

        string Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.Single() : "";
    }

    /// <summary>All rows of the tables in which something of a secret could stand, as text.</summary>
    public async Task<string> TablesAsync()
    {
        await using var data = NpgsqlDataSource.Create(_database);
        var text = new StringBuilder();
        foreach (var table in new[] { "endpoint", "endpoint_secret", "operational_event", "audit", "api_answer", "delivery_state" })
        {
            await using var command = data.CreateCommand($"SELECT string_agg(t::text, ' ') FROM webhooks.{table} t");
            text.Append(await command.ExecuteScalarAsync());
        }

        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }
}

/// <summary>Keeps every line that is logged, with its scopes' worth of values as they were formatted.</summary>
internal sealed class KeptLog : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public string Text => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => new Logger(_lines, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(ConcurrentQueue<string> lines, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var values = state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "";
            lines.Enqueue($"{category} {formatter(state, exception)} {values} {exception}");
        }
    }
}
