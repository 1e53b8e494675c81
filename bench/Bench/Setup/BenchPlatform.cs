using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Setup;

/// <summary>A platform's service as it would be: the dispatcher with its standard settings as a background service, publishing from the same process.</summary>
internal sealed class BenchPlatform : IAsyncDisposable
{
    private const string MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    private readonly IHost _host;

    private BenchPlatform(IHost host, string connectionString)
    {
        _host = host;
        Data = new NpgsqlDataSourceBuilder(connectionString) { ConnectionStringBuilder = { MaxAutoPrepare = 20, AutoPrepareMinUsages = 2 } }.Build();
    }

    /// <summary>The platform's own connections.</summary>
    public NpgsqlDataSource Data { get; }

    public IWebhookPublisher Publisher => _host.Services.GetRequiredService<IWebhookPublisher>();

    public IWebhookEndpoints Endpoints => _host.Services.GetRequiredService<IWebhookEndpoints>();

    public static async Task<BenchPlatform> StartAsync(
        string connectionString, CancellationToken cancel, Action<WebhookDispatcherOptions>? configure = null, HostSetup? host = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Logging.AddSimpleConsole(options => options.SingleLine = true);
        builder.Logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        var dispatcher = AddDispatcher(builder.Services, connectionString, configure);
        host?.Invoke(dispatcher, connectionString);
        var app = builder.Build();
        await app.StartAsync(cancel);
        var platform = new BenchPlatform(app, connectionString);
        // Another host may start its servers after that; the in-box worker is there at once.
        while (host is not null && await platform.CountAsync("SELECT count(*) FROM webhooks.node WHERE expires_at > clock_timestamp()", cancel) == 0) await Task.Delay(20, cancel);
        return platform;
    }

    /// <summary>One that publishes and manages; who delivers is another process.</summary>
    public static Task<BenchPlatform> StartWithoutWorkerAsync(string connectionString, CancellationToken cancel) =>
        StartAsync(connectionString, cancel, options => options.RunWorker = false);

    /// <summary>The dispatcher with its standard settings, but that it may call the sink.</summary>
    public static IWebhookDispatcherBuilder AddDispatcher(IServiceCollection services, string connectionString, Action<WebhookDispatcherOptions>? configure) =>
        services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = connectionString;
            options.MasterKey = MasterKey;
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            configure?.Invoke(options);
        });

    /// <summary>Applications without an endpoint.</summary>
    public async Task<WebhookApplicationId[]> AddApplicationsAsync(int count, CancellationToken cancel)
    {
        var applications = new WebhookApplicationId[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancel }, async (i, token) =>
            applications[i] = await _host.Services.GetRequiredService<IWebhookApplications>().CreateAsync($"customer {i}", token));
        return applications;
    }

    /// <summary>Applications with one endpoint each, at these URLs: strict, or as <paramref name="settings"/> says.</summary>
    public async Task<WebhookApplicationId[]> AddApplicationsAsync(
        IReadOnlyList<Uri> urls, CancellationToken cancel, Func<EndpointSettings, EndpointSettings>? settings = null)
    {
        var applications = await AddApplicationsAsync(urls.Count, cancel);
        await Parallel.ForAsync(0, urls.Count, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancel }, async (i, token) =>
            await AddEndpointAsync(applications[i], urls[i], token, settings));
        return applications;
    }

    /// <summary>One more endpoint of an application.</summary>
    public async Task<CreatedEndpoint> AddEndpointAsync(
        WebhookApplicationId application, Uri url, CancellationToken cancel, Func<EndpointSettings, EndpointSettings>? settings = null)
    {
        var strict = new EndpointSettings(url.ToString());
        return await Endpoints.CreateAsync(application, settings?.Invoke(strict) ?? strict, cancel);
    }

    public async Task ExecuteAsync(string sql, CancellationToken cancel)
    {
        await using var command = Data.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancel);
    }

    public async Task<long> CountAsync(string sql, CancellationToken cancel)
    {
        await using var command = Data.CreateCommand(sql);
        command.CommandTimeout = 0;
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Deliveries settled by the streams' cursors, as the database has them.</summary>
    public Task<long> SettledAsync(CancellationToken cancel) => CountAsync(
        """
        SELECT coalesce(sum(c.cursor), 0)::bigint FROM webhooks.stream s
        CROSS JOIN LATERAL (SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                            ORDER BY x.settlement DESC LIMIT 1) c
        """, cancel);

    public async ValueTask DisposeAsync()
    {
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await _host.StopAsync(grace.Token);
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
        await Data.DisposeAsync();
    }
}
