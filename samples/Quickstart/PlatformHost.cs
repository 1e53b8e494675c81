using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Webhooks.Quickstart;

/// <summary>The platform: a web application that hosts the dispatcher and serves the feed.</summary>
internal static class PlatformHost
{
    // A demonstration's key. A platform keeps its own in a vault: whoever has it reads every endpoint's secret.
    public const string DemoMasterKey = "cXVpY2tzdGFydC1kZW1vbnN0cmF0aW9uLWtleS4uLi4=";

    /// <param name="connectionString">The platform's database.</param>
    /// <param name="url">Where the feed is served.</param>
    /// <param name="leaseDuration">How long another process waits before it takes over from one that died.</param>
    /// <param name="worker">Whether this process delivers, or only publishes.</param>
    public static async Task<WebApplication> StartAsync(string connectionString, string url, TimeSpan leaseDuration, bool worker = true)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.ClearProviders();
        builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = connectionString;
            options.MasterKey = DemoMasterKey;
            options.RunWorker = worker;
            // The receiver of this demonstration runs on this machine; a real one does not.
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            options.Delivery.LeaseDuration = leaseDuration;
            // By default 30 s and 5 min: who watches a demonstration has less patience than an outage lasts.
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(300));
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(600));
        });
        builder.Services.AddHealthChecks().AddWebhookDispatcherCheck();
        var app = builder.Build();
        app.MapWebhookFeed();
        app.MapHealthChecks("/health");
        await app.StartAsync();
        return app;
    }
}
