using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Dispatcher;

namespace Webhooks.FailureDrills.Staging;

/// <summary>The platform's side: the real dispatcher with its feed, on real HTTP.</summary>
internal sealed class Platform : IAsyncDisposable
{
    // Throw-away, as the databases that it opens are.
    public const string MasterKey = "ZmFpbHVyZS1kcmlsbHMtbWFzdGVyLWtleS4uLi4uLi4=";

    private readonly WebApplication _app;

    private Platform(WebApplication app) => _app = app;

    public IServiceProvider Services => _app.Services;

    /// <summary>Where the feed is.</summary>
    public Uri Url => new(_app.Urls.First());

    public IWebhookEndpoints Endpoints => Services.GetRequiredService<IWebhookEndpoints>();

    public IWebhookPublisher Publisher => Services.GetRequiredService<IWebhookPublisher>();

    public IWebhookApplications Applications => Services.GetRequiredService<IWebhookApplications>();

    /// <param name="connectionString">Its database.</param>
    /// <param name="settings">The dispatcher's options.</param>
    /// <param name="worker">Whether it delivers.</param>
    /// <param name="configure">More services, in place of the dispatcher's own; null for none.</param>
    /// <param name="log">Is told warnings and errors.</param>
    /// <param name="cancel">Gives up starting.</param>
    public static async Task<Platform> StartAsync(
        string connectionString, IReadOnlyDictionary<string, string?> settings, bool worker, Action<IServiceCollection>? configure, Action<string>? log, CancellationToken cancel)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        if (log is not null) builder.Logging.AddProvider(new LineLog(log)).SetMinimumLevel(LogLevel.Warning);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionString"] = connectionString, ["MasterKey"] = MasterKey, ["RunWorker"] = worker ? "true" : "false",
        }).Build();
        configure?.Invoke(builder.Services);
        builder.Services.AddWebhookDispatcher(configuration);
        builder.Services.AddHealthChecks().AddWebhookDispatcherCheck();
        var app = builder.Build();
        app.MapWebhookFeed();
        app.MapHealthChecks("/health");
        try
        {
            await app.StartAsync(cancel);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new Platform(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
