using System.Text.Json.Nodes;
using Webhooks.Dispatcher.Api;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>
/// Every route with every key that may not: what is answered, and that nothing changes. The routes are those that are mapped; a new one is held to it without a change here.
/// </summary>
public class MatrixTests
{
    private readonly List<string> _failures = [];

    [Fact]
    public async Task Keys_ThatAreNone_OrWrong_OrEnded_Get401AndChangeNothing()
    {
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var (revoked, expired) = (await world.KeyAsync(), await world.KeyAsync());
        await api.Platform.ExecuteAsync($"UPDATE webhooks.api_key SET revoked_at = now() WHERE id = '{revoked.Id}'");
        await api.Platform.ExecuteAsync($"UPDATE webhooks.api_key SET expires_at = now() - interval '1 s' WHERE id = '{expired.Id}'");
        var half = (await world.KeyAsync()).Key[..30];
        (string What, string Key)[] cases =
            [("no key", ""), ("a wrong key", ApiKeys.Generate()), ("half a key", half), ("a revoked key", revoked.Key), ("an expired key", expired.Key)];
        var before = await SnapshotAsync(api);
        foreach (var route in RoutesOf(api))
            foreach (var (what, key) in cases)
                Expect(await AskAsync(api, key, route, world.Ids), 401, "unauthenticated", $"{Name(route)} with {what}");
        await AssertNothingChangedAsync(api, before);
    }

    [Fact]
    public async Task Key_WithEveryScopeButTheRoutesOwn_Gets403ThatNamesIt_WhetherTheThingIsThereOrNot()
    {
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var without = new Dictionary<string, string>();
        foreach (var scope in WebhookApiScopes.All)
            without[scope] = (await world.KeyAsync(settings => settings with { Scopes = [.. WebhookApiScopes.All.Where(other => other != scope)] })).Key;
        var before = await SnapshotAsync(api);
        foreach (var route in RoutesOf(api))
            foreach (var ids in new IReadOnlyDictionary<string, string>[] { world.Ids, ApiWorld.Absent })
            {
                var answer = await AskAsync(api, without[route.Scope], route, ids);
                Expect(answer, 403, "forbidden", $"{Name(route)} without {route.Scope}");
                var named = answer.Body?["error"]?["details"]?["scope"]?[0]?.GetValue<string>() ?? "";
                if (!named.Contains(route.Scope, StringComparison.Ordinal)) _failures.Add($"{Name(route)} does not name {route.Scope}: {named}");
            }

        await AssertNothingChangedAsync(api, before);
    }

    [Fact]
    public async Task Key_OfSomebodyElse_GetsWhatItWouldGetIfNothingWereThere()
    {
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var neighbour = await ApiWorld.CreateAsync(api);
        var stranger = await ApiWorld.CreateAsync(api, await ApiWorld.OrganizationAsync(api));
        var sibling = await api.Platform.Endpoints.CreateAsync(world.Application, new EndpointSettings("http://127.0.0.1:9/sibling"));
        (string What, string Key, Func<string, string?> Own)[] cases =
        [
            ("a key of another organization", (await stranger.KeyAsync()).Key, stranger.Ids.GetValueOrDefault),
            ("a key of another organization's application",
                (await stranger.KeyAsync(settings => settings with { Application = stranger.Application })).Key, stranger.Ids.GetValueOrDefault),
            ("a key of another application", (await neighbour.KeyAsync(settings => settings with { Application = neighbour.Application })).Key, neighbour.Ids.GetValueOrDefault),
            ("a key of another endpoint", (await world.KeyAsync(settings => settings with { Application = world.Application, Endpoint = sibling.Id })).Key,
                name => name == "application" ? world.Application.Value : null),
        ];
        var before = await SnapshotAsync(api);
        foreach (var route in RoutesOf(api))
        {
            var parts = ApiWorld.PartsOf(route);
            foreach (var (what, key, own) in cases)
            {
                // A key of an endpoint sees its application; what it may see of its neighbours there is for the route to say.
                if (parts.Count == 0 || (what == "a key of another endpoint" && !parts.Contains("endpoint"))) continue;
                // Event types are an organization's: all of its keys read them, those that are bound change none, and PUT makes one in the organization of the key that asks.
                if (parts.Contains("event_type") && (what != "a key of another organization" || route.Method == "PUT")) continue;
                // All of the path is theirs; and then all but the application, in which they might be looked for.
                foreach (var mixed in parts.Count > 1 ? [false, true] : new[] { false })
                {
                    var foreign = await AskAsync(api, key, route, name => Value(name, world.Ids));
                    var absent = await AskAsync(api, key, route, name => Value(name, ApiWorld.Absent));
                    var asked = $"{Name(route)} with {what}{(mixed ? ", in its own application" : "")}";
                    Expect(foreign, 404, "not_found", asked);
                    if (Comparable(foreign) != Comparable(absent)) _failures.Add($"{asked}: {Comparable(foreign)}, but what is absent: {Comparable(absent)}");

                    string? Value(string name, IReadOnlyDictionary<string, string> ids) =>
                        (mixed && name == parts[0] ? own(name) : null) ?? ids.GetValueOrDefault(name) ?? world.Ids.GetValueOrDefault(name);
                }
            }
        }

        await AssertNothingChangedAsync(api, before);
    }

    [Fact]
    public async Task Lists_ThatNameNothingInTheirPath_ShowAKeyItsOwnOnly()
    {
        await using var api = await ApiPlatform.StartAsync();
        var world = await ApiWorld.CreateAsync(api);
        var neighbour = await ApiWorld.CreateAsync(api);
        var stranger = await ApiWorld.CreateAsync(api, await ApiWorld.OrganizationAsync(api));
        // Something of everybody's in the audit log, too.
        foreach (var (key, one) in new[] { ((await world.KeyAsync()).Key, world), ((await stranger.KeyAsync()).Key, stranger) })
            Assert.Equal(200, (await api.AskAsync(key, "PATCH", $"/applications/{one.Application}", """{"name":"changed"}""")).Status);
        (string What, string Key)[] cases =
        [
            ("a key of another organization", (await stranger.KeyAsync()).Key),
            ("a key of another application", (await neighbour.KeyAsync(settings => settings with { Application = neighbour.Application })).Key),
        ];
        foreach (var route in RoutesOf(api).Where(route => route.Method == "GET" && ApiWorld.PartsOf(route).Count == 0))
            foreach (var (what, key) in cases)
            {
                var answer = await AskAsync(api, key, route, world.Ids);
                var text = answer.Body?.ToJsonString() ?? "";
                if (answer.Status != 200) _failures.Add($"{Name(route)} with {what}: {answer.Status} {answer.Code}");
                foreach (var id in new[] { "application", "endpoint", "event", "key" }.Select(name => world.Ids[name]))
                    if (text.Contains(id, StringComparison.Ordinal)) _failures.Add($"{Name(route)} shows {what} {id}");
            }

        AssertNoFailures();
    }

    [Fact]
    public async Task Key_ThatMay_IsNotRefused_SoTheMatrixRefusesForTheKeysSake()
    {
        await using var api = await ApiPlatform.StartAsync();
        foreach (var route in RoutesOf(api))
            foreach (var bound in new[] { false, true })
            {
                // A world of its own, for some routes take away what they are asked for.
                var world = await ApiWorld.CreateAsync(api);
                var key = await world.KeyAsync(settings => settings with { Application = bound ? world.Application : null });
                var answer = await api.AskAsync(key.Key, route.Method, ApiWorld.Path(route, world.Ids.GetValueOrDefault), world.Body(route));
                var mayRefuse = bound && route is { Method: "POST", Pattern: "/applications" } or { Scope: WebhookApiScopes.EventTypesWrite };
                if (answer.Status is 400 or 401 or 404 or 405 or 415 or >= 500 || (answer.Status == 403 && !mayRefuse))
                    _failures.Add($"{Name(route)}: {answer.Status} {answer.Body?.ToJsonString()}");
            }

        AssertNoFailures();
    }

    private static List<ApiRoute> RoutesOf(ApiPlatform api)
    {
        var routes = api.Platform.Get<IEnumerable<IApiResource>>().SelectMany(resource => resource.Routes).ToList();
        Assert.NotEmpty(routes);
        return routes;
    }

    private static Task<ApiAnswer> AskAsync(ApiPlatform api, string key, ApiRoute route, IReadOnlyDictionary<string, string> ids) =>
        AskAsync(api, key, route, name => ids.GetValueOrDefault(name));

    private static Task<ApiAnswer> AskAsync(ApiPlatform api, string key, ApiRoute route, Func<string, string?> value) =>
        api.AskAsync(key, route.Method, ApiWorld.Path(route, value), route.Body is null ? null : route.Example ?? "{}");

    private void Expect(ApiAnswer answer, int status, string code, string asked)
    {
        if ((answer.Status, answer.Code) != (status, code)) _failures.Add($"{asked}: {answer.Status} {answer.Body?.ToJsonString()}");
    }

    private static string Comparable(ApiAnswer answer)
    {
        var body = answer.Body?.DeepClone();
        if (body?["error"] is JsonObject error) error.Remove("request_id");
        var headers = answer.Headers.Keys.Where(name => name is not "Date").Order(StringComparer.OrdinalIgnoreCase);
        return $"{answer.Status} {body?.ToJsonString()} {string.Join(' ', headers)}";
    }

    private static string Name(ApiRoute route) => $"{route.Method} {route.Pattern}";

    /// <summary>Every row of every table, but for what counts requests and says when a key was last used.</summary>
    private static async Task<Dictionary<string, string>> SnapshotAsync(ApiPlatform api)
    {
        var tables = await api.Platform.ListAsync<string>(
            """
            SELECT c.relname::text FROM pg_class c
            WHERE c.relnamespace = 'webhooks'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN ('api_rate', 'api_quota', 'node')
            """);
        var rows = new Dictionary<string, string>();
        foreach (var table in tables)
            rows[table] = await api.Platform.ScalarAsync<string>(
                $"SELECT count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(t) - 'last_used_at')::text, '|' ORDER BY to_jsonb(t)::text)), '') FROM webhooks.\"{table}\" t");
        return rows;
    }

    private async Task AssertNothingChangedAsync(ApiPlatform api, Dictionary<string, string> before)
    {
        foreach (var (table, rows) in await SnapshotAsync(api))
            if (before[table] != rows) _failures.Add($"{table} changed");
        AssertNoFailures();
    }

    private void AssertNoFailures() => Assert.True(_failures.Count == 0, string.Join('\n', _failures));
}
