using Hangfire;
using Hangfire.AspNetCore;
using Hangfire.PostgreSql;
using Hangfire.PostgreSql.Factories;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Hangfire;

/// <summary>
/// The Hangfire servers that are measured: little else than Hangfire's defaults, its tables beside the dispatcher's. What Hangfire keeps in static fields is given to each
/// server by itself, for there are several in this process, one after another.
/// </summary>
internal static class HangfireServers
{
    private static readonly TimeSpan Invisibility = TimeSpan.FromMinutes(5);

    public static string Settings { get; } = FormattableString.Invariant(
        $"Hangfire's defaults ({new BackgroundJobServerOptions().WorkerCount} workers, QueuePollInterval 15 s, SchedulePollingInterval 15 s, its global filters), ")
        + "but sliding invisibility of 5 min and connections with MaxAutoPrepare and without reset on close; its tables in the dispatcher's database";

    public static void AddTo(IWebhookDispatcherBuilder builder, string connectionString) => AddTo(builder, connectionString, null);

    /// <param name="builder">What <c>AddWebhookDispatcher</c> gave.</param>
    /// <param name="connectionString">Of the database that has Hangfire's tables, too.</param>
    /// <param name="cleanUp">How often Hangfire removes what has expired and adds up what it counts, in place of its hour and 5 min.</param>
    public static void AddTo(IWebhookDispatcherBuilder builder, string connectionString, TimeSpan? cleanUp)
    {
        var storage = Storage(connectionString, cleanUp);
        builder.UseHangfire(options => options.Storage = storage);
        builder.Services.AddHangfire(hangfire => hangfire.UseNoOpLogProvider());
        // Registered before the server, and so stopped after it.
        builder.Services.AddHostedService(_ => new Connections(Own(connectionString)));
        builder.Services.AddHangfireServer((provider, options) =>
        {
            options.Activator = new AspNetCoreJobActivator(provider.GetRequiredService<IServiceScopeFactory>());
            options.Queues = ["default", "webhooks"];
        }, storage);
    }

    public static PostgreSqlStorage Storage(string connectionString, TimeSpan? cleanUp = null)
    {
        var options = new PostgreSqlStorageOptions
        {
            UseSlidingInvisibilityTimeout = true, InvisibilityTimeout = Invisibility,
        };
        if (cleanUp is { } every) (options.JobExpirationCheckInterval, options.CountersAggregateInterval) = (every, every);
        return new PostgreSqlStorage(new NpgsqlConnectionFactory(Own(connectionString), options), options);
    }

    private static string Own(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString)
    {
        ApplicationName = "hangfire", MaxAutoPrepare = 64, AutoPrepareMinUsages = 2, NoResetOnClose = true, Timezone = "UTC",
    }.ConnectionString;

    /// <summary>Hangfire leaves its connections to Npgsql's pool, and whoever counts transactions waits until all are closed.</summary>
    private sealed class Connections(string connectionString) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            using var connection = new NpgsqlConnection(connectionString);
            NpgsqlConnection.ClearPool(connection);
            return Task.CompletedTask;
        }
    }
}
