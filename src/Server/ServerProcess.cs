namespace Webhooks.Server;

/// <summary>The dispatcher and its API, from start to stop.</summary>
internal static partial class ServerProcess
{
    private const string DefaultUrl = "http://127.0.0.1:8080";
    // Each route of the API has a limit of its own; this one is for whatever else is asked.
    private const long MaxBody = 64 * 1024;

    /// <summary>Runs until it is told to stop.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(GivenSettings given)
    {
        var isUp = false;
        // Until it is up, what is wrong is said once, below, and without a stack trace; the host, Kestrel and DataProtection would say it with theirs.
        await using var app = Build(given, () => isUp);
        try
        {
            await app.StartAsync();
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop while it waited for its database.
            return 0;
        }

        isUp = true;
        try
        {
            await app.WaitForShutdownAsync();
        }
        catch (Exception exception) when (exception is OperationCanceledException or AggregateException)
        {
            LogBrokenOff(app.Logger, exception);
            return StartFailure.Trouble;
        }

        // A background service that failed has stopped the host: whoever supervises the process must not take that for a stop that was asked for.
        return app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Any(service => service.ExecuteTask is { IsFaulted: true }) ? StartFailure.Trouble : 0;
    }

    private static WebApplication Build(GivenSettings given, Func<bool> isUp)
    {
        var builder = ServerSettings.CreateBuilder(given);
        var configuration = builder.Configuration;
        var server = ServerSettings.Check(configuration);
        builder.Logging.ClearProviders().AddConsole();
        foreach (var talkative in new[] { "Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.DataProtection" })
            builder.Logging.AddFilter(talkative, level => isUp() && level >= LogLevel.Warning);
        if (!IsListeningSet(configuration)) builder.WebHost.UseUrls(DefaultUrl);
        builder.Services.AddWebhookDispatcher(configuration.GetSection(ServerSettings.Section));
        builder.Services.AddHealthChecks().AddWebhookDispatcherCheck();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = server.StopTimeout);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = server.HeaderTimeout;
            kestrel.Limits.KeepAliveTimeout = server.KeepAliveTimeout;
            kestrel.Limits.MaxConcurrentConnections = server.MaxConnections;
        });
        var app = builder.Build();
        app.RefuseOtherPaths();
        app.MapWebhookDispatcher();
        app.MapHealth();
        return app;
    }

    private static bool IsListeningSet(ConfigurationManager configuration) =>
        configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } || configuration[WebHostDefaults.HttpPortsKey] is { Length: > 0 }
        || configuration[WebHostDefaults.HttpsPortsKey] is { Length: > 0 } || configuration.GetSection("Kestrel:Endpoints").Exists();

    [LoggerMessage(1, LogLevel.Error, "Not everything under way had ended when the time for it was over; what was broken off is done again by the next process", EventName = "BrokenOff")]
    private static partial void LogBrokenOff(ILogger logger, Exception exception);
}
