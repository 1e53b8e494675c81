using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>A platform with the management API, and clients of it over a real socket.</summary>
internal sealed class ApiPlatform(Platform platform) : IAsyncDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = platform.Url };

    public Platform Platform => platform;

    public static async Task<ApiPlatform> StartAsync(Action<WebhookDispatcherOptions>? configure = null, string? connectionString = null, bool worker = false) =>
        new(await Platform.StartAsync(configure, connectionString, worker, map: app => app.MapWebhookDispatcher()));

    /// <summary>Two processes on one database, for which it stays the same minute of the same day.</summary>
    public static async Task<(ApiPlatform One, ApiPlatform Other)> StartTwoAtOneMomentAsync()
    {
        var clock = new StoppedClock();
        async Task<ApiPlatform> StartAsync(string? connectionString)
        {
            var api = new ApiPlatform(await Platform.StartAsync(
                connectionString: connectionString, worker: false, map: app => app.MapWebhookDispatcher(), services: services => services.AddSingleton<TimeProvider>(clock)));
            api.Platform.Get<DatabaseClock>().Measured(clock.GetUtcNow(), TimeSpan.Zero);
            return api;
        }

        var one = await StartAsync(null);
        return (one, await StartAsync(one.Platform.ConnectionString));
    }

    /// <summary>A key that may do and see everything of the platform's own organization, unless stated otherwise.</summary>
    public async Task<string> KeyAsync(Func<ApiKeySettings, ApiKeySettings>? change = null)
    {
        var settings = new ApiKeySettings("test") { RequestsPerMinute = 1_000_000 };
        return (await platform.Get<IWebhookApiKeys>().CreateAsync(change?.Invoke(settings) ?? settings)).Key;
    }

    /// <summary>What the platform says of its API.</summary>
    public async Task<JsonObject> DocumentAsync() => (JsonObject)JsonNode.Parse(await _http.GetStringAsync("/openapi/v1.json"))!;

    /// <summary>Asks, and reads the answer.</summary>
    public async Task<ApiAnswer> AskAsync(string key, string method, string path, string? body = null, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/v1" + path);
        if (key.Length > 0) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (idempotencyKey is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        return await SendAsync(request);
    }

    public async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        return new ApiAnswer((int)response.StatusCode, headers, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await platform.DisposeAsync();
    }
}

/// <summary>What was answered.</summary>
internal sealed record ApiAnswer(int Status, IReadOnlyDictionary<string, string> Headers, JsonNode? Body)
{
    /// <summary>The error's code; null when it is none.</summary>
    public string? Code => Body?["error"]?["code"]?.GetValue<string>();

    /// <summary>The fields that are wrong, in order.</summary>
    public IEnumerable<string> Fields => Body?["error"]?["details"] is JsonObject details ? details.Select(pair => pair.Key).Order() : [];

    public string Text(string field) => Body![field]!.GetValue<string>();
}
