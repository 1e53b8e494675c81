using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Tests.Api;

public class KeysApiTests
{
    [Fact]
    public async Task Create_AnswersTheKeyOnce_AndItWorksUntilItIsRevoked()
    {
        await using var api = await ApiPlatform.StartAsync();
        var admin = await api.KeyAsync();
        var created = await api.AskAsync(admin, "POST", "/keys", """{"name":"Billing","scopes":["applications:read"],"requests_per_minute":700}""");
        Assert.Equal((201, 700), (created.Status, created.Body!["requests_per_minute"]!.GetValue<int>()));
        var (id, key) = (created.Text("id"), created.Text("key"));
        Assert.StartsWith(created.Text("prefix"), key, StringComparison.Ordinal);
        Assert.Equal(200, (await api.AskAsync(key, "GET", "/applications")).Status);

        var read = await api.AskAsync(admin, "GET", $"/keys/{id}");
        Assert.NotNull(read.Body!["last_used_at"]);
        Assert.False(((JsonObject)read.Body).ContainsKey("key"));
        var listed = await api.AskAsync(admin, "GET", "/keys");
        Assert.Equal([id], ((JsonArray)listed.Body!["data"]!).Select(one => one!["id"]!.GetValue<string>()).Take(1));
        Assert.DoesNotContain(key, listed.Body.ToJsonString(), StringComparison.Ordinal);

        Assert.Equal(204, (await api.AskAsync(admin, "DELETE", $"/keys/{id}")).Status);
        Assert.Equal((401, "unauthenticated"), await StatusOf(api.AskAsync(key, "GET", "/applications")));
        var revoked = (await api.AskAsync(admin, "GET", $"/keys/{id}")).Text("revoked_at");
        Assert.Equal(204, (await api.AskAsync(admin, "DELETE", $"/keys/{id}")).Status);
        Assert.Equal(revoked, (await api.AskAsync(admin, "GET", $"/keys/{id}")).Text("revoked_at"));
        Assert.Equal(["key.created", "key.revoked"], (await api.Platform.ListAsync<string>("SELECT action FROM webhooks.audit")).Order());
    }

    [Fact]
    public async Task Revoke_InAnotherProcess_HoldsWithinTheTimeThatAKeyIsRemembered()
    {
        await using var one = await ApiPlatform.StartAsync();
        await using var other = await ApiPlatform.StartAsync(connectionString: one.Platform.ConnectionString);
        var admin = await one.KeyAsync();
        var created = await one.AskAsync(admin, "POST", "/keys", """{"name":"a","scopes":["applications:read"]}""");
        Assert.Equal(200, (await other.AskAsync(created.Text("key"), "GET", "/applications")).Status);
        await one.AskAsync(admin, "DELETE", $"/keys/{created.Text("id")}");
        await Platform.UntilAsync(async () => (await other.AskAsync(created.Text("key"), "GET", "/applications")).Status == 401, "the other process refuses the key");
    }

    [Fact]
    public async Task Create_ByAKey_GivesNothingThatItDoesNotHave()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (own, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var (other, foreign) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var ends = DateTimeOffset.UtcNow.AddHours(1);
        var key = await api.KeyAsync(settings => settings with
        {
            Scopes = [WebhookApiScopes.KeysAdmin, WebhookApiScopes.EventsRead], Application = own, ExpiresAt = ends, RequestsPerMinute = 100,
        });
        Assert.Equal((403, "forbidden"), await StatusOf(Create("""["events:read","events:write"]""")));
        Assert.Equal((404, "not_found"), await StatusOf(Create("""["events:read"]""", $@",""application"":""{other}""")));
        Assert.Equal((404, "not_found"), await StatusOf(Create("""["events:read"]""", $@",""endpoint"":""{foreign.Id}""")));
        Assert.Equal(["expires_at", "requests_per_minute"], (await Create("""["events:read"]""", @",""expires_at"":""2999-01-01T00:00:00Z"",""requests_per_minute"":101")).Fields);
        Assert.Equal(["application", "colour", "endpoint", "expires_at", "name", "requests_per_minute", "scopes"], (await api.AskAsync(
            key, "POST", "/keys", """{"name":" ","scopes":["x"],"application":"x","endpoint":1,"expires_at":"soon","requests_per_minute":0,"colour":1}""")).Fields);

        var plain = await Create("""["events:read"]""");
        Assert.Equal((own.Value, 100), (plain.Text("application"), plain.Body!["requests_per_minute"]!.GetValue<int>()));
        Assert.Equal(ends, plain.Body["expires_at"]!.GetValue<DateTimeOffset>(), TimeSpan.FromMilliseconds(1));
        var narrow = await Create("""["events:read","keys:admin"]""", $@",""endpoint"":""{endpoint.Id}""");
        Assert.Equal(endpoint.Id.Value, narrow.Text("endpoint"));
        var narrower = await api.AskAsync(narrow.Text("key"), "POST", "/keys", """{"name":"a","scopes":["events:read"]}""");
        Assert.Equal(endpoint.Id.Value, narrower.Text("endpoint"));

        Task<ApiAnswer> Create(string scopes, string more = "") => api.AskAsync(key, "POST", "/keys", $$"""{"name":"a","scopes":{{scopes}}{{more}}}""");
    }

    [Fact]
    public async Task Key_ThatIsBound_SeesAndRevokesThoseOfItsOwnBindingOnly()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (application, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var admin = await api.KeyAsync();
        var bound = await api.KeyAsync(settings => settings with { Application = application });
        var tight = await api.KeyAsync(settings => settings with { Application = application, Endpoint = endpoint.Id });
        Assert.Equal((3, 2, 1), (await CountAsync(admin), await CountAsync(bound), await CountAsync(tight)));
        var adminId = (await api.Platform.ListAsync<string>("SELECT id FROM webhooks.api_key ORDER BY api_key"))[0];
        foreach (var method in new[] { "GET", "DELETE" })
        {
            var (foreign, absent) = (await api.AskAsync(bound, method, $"/keys/{adminId}"), await api.AskAsync(bound, method, "/keys/key_0"));
            Assert.Equal((404, "not_found"), (foreign.Status, foreign.Code));
            Assert.Equal(absent.Body!["error"]!["message"]!.GetValue<string>(), foreign.Body!["error"]!["message"]!.GetValue<string>());
        }

        Assert.Equal(0, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.api_key WHERE revoked_at IS NOT NULL"));

        async Task<int> CountAsync(string key) => ((JsonArray)(await api.AskAsync(key, "GET", "/keys")).Body!["data"]!).Count;
    }

    [Fact]
    public async Task IdempotencyKey_OfSomebodyElse_GivesNobodyTheirKey()
    {
        await using var api = await ApiPlatform.StartAsync();
        var application = await api.Platform.Applications.CreateAsync("a");
        var admin = await api.KeyAsync();
        var bound = await api.KeyAsync(settings => settings with { Application = application });
        var less = await api.KeyAsync(settings => settings with { Scopes = [WebhookApiScopes.KeysAdmin] });
        const string Body = """{"name":"a","scopes":["keys:admin"]}""";
        var first = await api.AskAsync(admin, "POST", "/keys", Body, "1");
        Assert.Equal(first.Text("key"), (await api.AskAsync(admin, "POST", "/keys", Body, "1")).Text("key"));
        var theirs = await api.AskAsync(bound, "POST", "/keys", Body, "1");
        Assert.Equal((201, application.Value), (theirs.Status, theirs.Text("application")));
        Assert.Equal((409, "idempotency_key_reused"), await StatusOf(api.AskAsync(less, "POST", "/keys", Body, "1")));
    }

    private static async Task<(int, string?)> StatusOf(Task<ApiAnswer> asking)
    {
        var answer = await asking;
        return (answer.Status, answer.Code);
    }
}
