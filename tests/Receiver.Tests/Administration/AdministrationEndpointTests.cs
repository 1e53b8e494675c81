using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Webhooks.Receiver.Tests;

/// <summary>The administration over HTTP, which nobody reaches by mistake.</summary>
public sealed class AdministrationEndpointTests
{
    private bool _broken = true;

    [Fact]
    public async Task Map_WithoutAuthorization_DoesNotStart()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(app => app.MapWebhookReceiverAdministration("/admin"), services: null));
        Assert.Contains("AddAuthorization", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(app => app.MapWebhookReceiverAdministration("/admin"), services => services.AddAuthorization()));
        Assert.Contains("AddAuthentication", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(app => app.MapWebhookReceiverAdministration("/admin", "nobody"), Secured));
        Assert.Contains("\"nobody\"", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/admin")]
    [InlineData("GET", "/admin/acme")]
    [InlineData("GET", "/admin/acme/held")]
    [InlineData("GET", "/admin/acme/parked")]
    [InlineData("GET", "/admin/acme/events/evt_1_1")]
    [InlineData("POST", "/admin/acme/events/evt_1_1/retry")]
    [InlineData("POST", "/admin/acme/events/evt_1_1/skip")]
    [InlineData("POST", "/admin/acme/events/evt_1_1/discard")]
    [InlineData("POST", "/admin/acme/unblock")]
    [InlineData("POST", "/admin/acme/probe")]
    [InlineData("POST", "/admin/acme/acknowledge")]
    [InlineData("POST", "/admin/acme/rewind")]
    public async Task Request_OfNobodyOrOfOneWhoMayNot_IsRefused(string method, string path)
    {
        await using var app = await StartAsync(app => app.MapWebhookReceiverAdministration("/admin", "operators"), Secured);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(app, method, path, user: null)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(app, method, path, user: "guest")).Status);
    }

    [Fact]
    public async Task Request_OfAnOperator_ShowsAndActs()
    {
        await using var app = await StartAsync(app => app.MapWebhookReceiverAdministration("/admin", "operators"), Secured);
        for (var seq = 1; seq <= 3; seq++) await app.DeliverAsync(seq, data: "{\"secret\":1}");
        await Wait.UntilAsync(async () => (await app.StreamAsync()).IsBlocked);

        Assert.Equal("acme", (await GetAsync("/admin")).GetProperty("data")[0].GetString());
        Assert.Equal(1, (await GetAsync("/admin/acme")).GetProperty("streams")[0].GetProperty("hold").GetProperty("seq").GetInt64());
        var held = (await GetAsync("/admin/acme/held")).GetProperty("data")[0];
        Assert.Equal(("evt_1_1", "order.changed", "Blocked"), (held.GetProperty("id").GetString(), held.GetProperty("type").GetString(), held.GetProperty("state").GetString()));
        Assert.False((await GetAsync("/admin/acme/events/evt_1_1")).GetProperty("data")[0].TryGetProperty("body", out _));
        Assert.Contains("\"secret\":1", (await GetAsync("/admin/acme/events/evt_1_1?body=true")).GetProperty("data")[0].GetProperty("body").GetString(), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", "/admin/acme/events/evt_1_1/skip")).Status);
        await Wait.UntilAsync(async () => (await app.StreamAsync()) is { Watermark: 1, IsBlocked: true });
        _broken = false;
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", "/admin/acme/unblock")).Status);
        await app.UntilProcessedAsync(3);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", "/admin/acme/rewind", body: "{\"after\":2}")).Status);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Counts.Processed == 3);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", "/admin/acme/probe")).Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", "/admin/acme/acknowledge")).Status);

        async Task<JsonElement> GetAsync(string path)
        {
            var (status, body) = await SendAsync(app, "GET", path);
            Assert.Equal(HttpStatusCode.OK, status);
            return body;
        }
    }

    /// <summary>An id may have whatever is visible, but for the full stop.</summary>
    [Theory]
    [InlineData("msg/1")]
    [InlineData("a%/?#&+:=@\\")]
    public async Task Request_AboutAnIdOfAnyCharacters_FindsTheEvent(string id)
    {
        await using var app = await StartAsync(app => app.MapWebhookReceiverAdministrationWithoutAuthorization("/admin"), services: null);
        using (var sent = await app.SendAsync(TestApp.Request(id, """{"type":"order.changed","data":{}}"""u8.ToArray()))) Assert.Equal(204, (int)sent.StatusCode);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).UnnumberedFailed == 1);
        var path = $"/admin/acme/events/{Uri.EscapeDataString(id)}";
        Assert.Equal(id, (await SendAsync(app, "GET", path)).Body.GetProperty("data")[0].GetProperty("id").GetString());
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", $"{path}/skip")).Status);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Counts.Skipped == 1);
    }

    [Theory]
    [InlineData("GET", "/admin/nobody", null, 404, "not_found")]
    [InlineData("GET", "/admin/acme/events/x", null, 404, "not_found")]
    [InlineData("GET", "/admin/acme/parked?limit=0", null, 400, "malformed")]
    [InlineData("GET", "/admin/acme/parked?limit=251", null, 400, "malformed")]
    [InlineData("GET", "/admin/acme/held?after=x", null, 400, "malformed")]
    [InlineData("POST", "/admin/acme/events/x/retry", "", 404, "not_found")]
    [InlineData("POST", "/admin/acme/events/x/skip", "", 404, "not_found")]
    [InlineData("POST", "/admin/acme/events/x/discard", "", 404, "not_found")]
    [InlineData("POST", "/admin/acme/rewind", "", 400, "malformed")]
    [InlineData("POST", "/admin/acme/rewind", "{}", 400, "malformed")]
    [InlineData("POST", "/admin/acme/rewind", "{\"after\":9}", 422, "not_possible")]
    [InlineData("POST", "/admin/acme/unblock", null, 415, "unsupported_media_type")]
    public async Task Request_ThatCannotBeDone_SaysWhy(string method, string path, string? body, int status, string code)
    {
        await using var app = await StartAsync(app => app.MapWebhookReceiverAdministrationWithoutAuthorization("/admin"), services: null);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await app.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
    }

    private Task<TestApp> StartAsync(Action<WebApplication> map, Action<IServiceCollection>? services) => TestApp.StartAsync(
        options => options.HandlerMaxAttempts = 1, memory: true, services: services, handlers: builder => builder.Handle("order.changed", (_, _, _) =>
            _broken ? throw new InvalidOperationException("broken") : Task.CompletedTask), pipeline: app => map(app));

    private static void Secured(IServiceCollection services)
    {
        services.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, ByHeader>("header", _ => { });
        services.AddAuthorizationBuilder().AddPolicy("operators", policy => policy.RequireUserName("operator"));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(TestApp app, string method, string path, string? user = "operator", string body = "")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (user is not null) request.Headers.Add("X-User", user);
        if (method == "POST") request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await app.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    private sealed class ByHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            (string?)Request.Headers["X-User"] is not { } user
                ? AuthenticateResult.NoResult()
                : AuthenticateResult.Success(new AuthenticationTicket(
                    new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], Scheme.Name)), Scheme.Name)));
    }
}
