using System.Net;
using Hangfire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Hangfire.Tests;

/// <summary>The page in Hangfire's dashboard.</summary>
public class DashboardTests
{
    [Fact]
    public async Task Page_ListsStreams_PausesAndResumes()
    {
        await using var app = await StartAsync(readOnly: false);
        using var client = app.GetTestClient();
        var application = await app.Services.GetRequiredService<IWebhookApplications>().CreateAsync("customer");
        var endpoints = app.Services.GetRequiredService<IWebhookEndpoints>();
        var endpoint = await endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/?a=<script>"));

        var page = await client.GetStringAsync(new Uri("/hangfire/webhooks", UriKind.Relative));
        Assert.Contains(endpoint.Id.Value, page, StringComparison.Ordinal);
        Assert.Contains($"/hangfire/webhooks/pause/{endpoint.Id}", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("a=<script>", page, StringComparison.Ordinal);

        using (var paused = await client.PostAsync(new Uri($"/hangfire/webhooks/pause/{endpoint.Id}", UriKind.Relative), null))
            Assert.Equal(HttpStatusCode.NoContent, paused.StatusCode);
        Assert.Equal(EndpointStatus.Paused, (await endpoints.GetStreamAsync(endpoint.Id)).Status);
        var only = await client.GetStringAsync(new Uri("/hangfire/webhooks?status=paused", UriKind.Relative));
        Assert.Contains($"/hangfire/webhooks/resume/{endpoint.Id}", only, StringComparison.Ordinal);
        using (var resumed = await client.PostAsync(new Uri($"/hangfire/webhooks/resume/{endpoint.Id}", UriKind.Relative), null))
            Assert.Equal(HttpStatusCode.NoContent, resumed.StatusCode);
        Assert.Equal(EndpointStatus.Active, (await endpoints.GetStreamAsync(endpoint.Id)).Status);
        Assert.Contains("There are no such streams", await client.GetStringAsync(new Uri("/hangfire/webhooks?status=paused", UriKind.Relative)), StringComparison.Ordinal);
        using var unknown = await client.PostAsync(new Uri($"/hangfire/webhooks/pause/{WebhookEndpointId.New()}", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, unknown.StatusCode);
    }

    [Fact]
    public async Task Page_ForWhoMayOnlyLook_HasNoButtonsAndDoesNothing()
    {
        await using var app = await StartAsync(readOnly: true);
        using var client = app.GetTestClient();
        var application = await app.Services.GetRequiredService<IWebhookApplications>().CreateAsync("customer");
        var endpoints = app.Services.GetRequiredService<IWebhookEndpoints>();
        var endpoint = await endpoints.CreateAsync(application, new EndpointSettings("http://127.0.0.1:9/"));
        var page = await client.GetStringAsync(new Uri("/hangfire/webhooks", UriKind.Relative));
        Assert.Contains(endpoint.Id.Value, page, StringComparison.Ordinal);
        Assert.DoesNotContain("data-ajax", page, StringComparison.Ordinal);
        using var refused = await client.PostAsync(new Uri($"/hangfire/webhooks/pause/{endpoint.Id}", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal(EndpointStatus.Active, (await endpoints.GetStreamAsync(endpoint.Id)).Status);
    }

    private static async Task<WebApplication> StartAsync(bool readOnly)
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        var storage = HangfireHost.Storage(database);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddHangfire(hangfire => hangfire.UseNoOpLogProvider());
        builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = database;
            options.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
            options.RunWorker = false;
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
        }).UseHangfire(options => options.Storage = storage);
        var app = builder.Build();
        app.UseHangfireDashboard("/hangfire", new DashboardOptions { Authorization = [], IsReadOnlyFunc = _ => readOnly }, storage);
        await app.StartAsync();
        return app;
    }
}
