using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.EventTypes;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>One of each thing that a path may name, all of one application.</summary>
internal sealed partial class ApiWorld
{
    private readonly ApiPlatform _api;

    private ApiWorld(ApiPlatform api, long organization) => (_api, Organization) = (api, organization);

    public long Organization { get; }

    public WebhookApplicationId Application { get; private set; }

    public CreatedEndpoint Endpoint { get; private set; } = null!;

    /// <summary>What stands for the parts of a path.</summary>
    public Dictionary<string, string> Ids { get; } = [];

    /// <summary>What stands for the parts of a path, and names nothing.</summary>
    public static IReadOnlyDictionary<string, string> Absent { get; } = new Dictionary<string, string>
    {
        ["application"] = "app_" + new string('0', 32), ["endpoint"] = "ep_" + new string('0', 32), ["event"] = "evt_" + new string('0', 32),
        ["key"] = "key_" + new string('0', 32), ["task"] = "task_" + new string('0', 32), ["type"] = "no.such.type", ["event_type"] = "no.such.type",
    };

    public static async Task<ApiWorld> CreateAsync(ApiPlatform api, long organization = ApiKeyStore.OwnOrganization)
    {
        var world = new ApiWorld(api, organization);
        (world.Application, world.Endpoint) = await api.Platform.AddEndpointAsync(new Uri($"http://127.0.0.1:9/{Guid.NewGuid():N}"));
        await api.Platform.ExecuteAsync($"UPDATE webhooks.application SET organization = {organization} WHERE id = '{world.Application}'");
        await api.Platform.Endpoints.RotateSecretAsync(world.Endpoint.Id);
        var published = await api.Platform.PublishAsync(world.Application);
        var key = await world.KeyAsync(settings => settings with { Application = world.Application });
        (world.Ids["application"], world.Ids["endpoint"], world.Ids["event"], world.Ids["key"]) = (world.Application.Value, world.Endpoint.Id.Value, published.Value, key.Id);
        (world.Ids["seq"], world.Ids["type"], world.Ids["event_type"]) = ("1", "order.paid", await world.RegisterAsync($"order.paid.{Guid.NewGuid():N}"));
        world.Ids["task"] = (await api.AskAsync((await world.KeyAsync()).Key, "POST", $"/applications/{world.Application}/resume", "{}")).Text("id");
        world.Ids["fingerprint"] = world.Endpoint.Secret.Fingerprint;
        return world;
    }

    /// <summary>An event type of the organization, without a row in the audit log.</summary>
    private async Task<string> RegisterAsync(string name)
    {
        var store = _api.Platform.Get<EventTypeStore>();
        await _api.Platform.Get<WebhookDatabase>().CommitAsync(
            async connection => await store.WriteAsync(
                connection, Organization, await store.LockAsync(connection, default), null, null, new EventTypeSettings(name), isArchived: false, default),
            default);
        return name;
    }

    /// <summary>An organization beside the platform's own.</summary>
    public static Task<long> OrganizationAsync(ApiPlatform api) =>
        api.Platform.ScalarAsync<long>($"INSERT INTO webhooks.organization (id, name) VALUES ('org_{Guid.NewGuid():N}', 'other') RETURNING organization");

    public async Task<CreatedApiKey> KeyAsync(Func<ApiKeySettings, ApiKeySettings>? change = null)
    {
        var settings = new ApiKeySettings("test") { RequestsPerMinute = 1_000_000 };
        await using var connection = await _api.Platform.Get<WebhookDatabase>().OpenAsync(default);
        return await _api.Platform.Get<ApiKeyStore>().CreateAsync(connection, Organization, change?.Invoke(settings) ?? settings, default);
    }

    /// <summary>A route's path with something in each of its parts; what nobody thought of is 1.</summary>
    public static string Path(ApiRoute route, Func<string, string?> value) =>
        Part().Replace(route.Pattern, part => value(part.Groups[1].Value) ?? "1");

    /// <summary>The example of a route's body, about what is here.</summary>
    public string? Body(ApiRoute route)
    {
        if (route.Body is null) return null;
        var body = (JsonObject)JsonNode.Parse(route.Example ?? "{}")!;
        foreach (var name in body.Select(member => member.Key).Where(Ids.ContainsKey).ToList()) body[name] = Ids[name];
        return body.ToJsonString();
    }

    public static IReadOnlyList<string> PartsOf(ApiRoute route) => [.. Part().Matches(route.Pattern).Select(part => part.Groups[1].Value)];

    [GeneratedRegex(@"\{([a-z_]+)[^}]*\}")]
    private static partial Regex Part();
}
