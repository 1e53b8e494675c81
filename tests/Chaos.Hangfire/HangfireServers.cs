using Hangfire;
using Hangfire.PostgreSql;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Chaos.Cast;
using Webhooks.Dispatcher;

namespace Webhooks.Chaos.Hangfire;

/// <summary>A Hangfire server in each dispatcher process, its tables in the same database: they are cut off, restarted and held up together with the dispatcher's.</summary>
internal static class HangfireServers
{
    public static readonly DispatcherHost Host = new("--host hangfire", typeof(HangfireServers).Assembly.Location, AddTo);

    private static void AddTo(IWebhookDispatcherBuilder builder, string connectionString)
    {
        builder.Services.AddHangfire(hangfire => hangfire.UsePostgreSqlStorage(
            // The same name as the dispatcher's, so that its connections are among those that are terminated.
            storage => storage.UseNpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "webhooks-dispatcher" }.ConnectionString),
            // What a killed server has fetched stays with it for longer than a run waits: it is our leases that end.
            new PostgreSqlStorageOptions { UseSlidingInvisibilityTimeout = true, InvisibilityTimeout = TimeSpan.FromMinutes(30) }));
        builder.Services.AddHangfireServer(server =>
        {
            server.Queues = ["default", "webhooks"];
            server.WorkerCount = 8;
            server.SchedulePollingInterval = TimeSpan.FromSeconds(1);
        });
        builder.UseHangfire(options => options.LostAfter = TimeSpan.FromSeconds(5));
    }
}
