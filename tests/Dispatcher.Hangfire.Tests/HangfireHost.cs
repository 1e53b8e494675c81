using Hangfire;
using Hangfire.AspNetCore;
using Hangfire.PostgreSql;
using Hangfire.PostgreSql.Factories;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher.Hosting.Contract;

namespace Webhooks.Dispatcher.Hangfire.Tests;

/// <summary>
/// A platform's Hangfire server, which runs its own jobs and the dispatcher. What Hangfire keeps in static fields (storage, activator) is given to each server by itself:
/// these tests have many in one process.
/// </summary>
/// <param name="database">Whose tables hold the jobs; the dispatcher's own database if null.</param>
internal sealed class HangfireHost(string dispatcherDatabase, string? database = null) : IHostUnderTest
{
    private const string Tables = "job, jobparameter, jobqueue, state, set, hash, list, counter, aggregatedcounter";

    private readonly NpgsqlDataSource _data = NpgsqlDataSource.Create(database ?? dispatcherDatabase);

    public string DispatcherDatabase => dispatcherDatabase;

    public Action<WebhookHangfireOptions>? Configure { get; init; }

    public void AddTo(IWebhookDispatcherBuilder builder, string connectionString)
    {
        var storage = Storage(database ?? connectionString);
        builder.UseHangfire(options =>
        {
            options.Storage = storage;
            options.LostAfter = TimeSpan.FromSeconds(1);
            Configure?.Invoke(options);
        });
        // Where Hangfire logs to is static, too: of servers that end one after another, one would else log to what another has disposed of, and its workers fail by it.
        builder.Services.AddHangfire(hangfire => hangfire.UseNoOpLogProvider());
        builder.Services.AddHangfireServer((provider, options) =>
        {
            options.Activator = new AspNetCoreJobActivator(provider.GetRequiredService<IServiceScopeFactory>());
            options.Queues = ["default", "webhooks"];
            options.WorkerCount = 4;
            options.SchedulePollingInterval = TimeSpan.FromSeconds(1);
        }, storage);
    }

    /// <summary>Everything that Hangfire has.</summary>
    public async Task LoseJobsAsync() =>
        await ExecuteAsync($"TRUNCATE {string.Join(", ", Tables.Split(", ").Select(table => "hangfire." + table))} CASCADE");

    public async Task ExecuteAsync(string sql)
    {
        await using var command = _data.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<long> CountAsync(string sql)
    {
        await using var command = _data.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public ValueTask DisposeAsync() => _data.DisposeAsync();

    public static PostgreSqlStorage Storage(string connectionString)
    {
        var options = new PostgreSqlStorageOptions
        {
            QueuePollInterval = TimeSpan.FromSeconds(1), UseSlidingInvisibilityTimeout = true, InvisibilityTimeout = TimeSpan.FromMinutes(1),
        };
        return new PostgreSqlStorage(new NpgsqlConnectionFactory(connectionString, options), options);
    }
}
