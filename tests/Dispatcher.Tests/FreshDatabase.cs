using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests;

/// <summary>A database for each test, copied from one that has the schema: to migrate each anew is a good part of what a test costs.</summary>
internal static class FreshDatabase
{
    private const string Template = "migrated";

    private static readonly Lazy<Task> Migrated = new(MigrateAsync);

    public static async Task<string> CreateAsync()
    {
        await Migrated.Value;
        var server = await SharedPostgres.GetAsync();
        var name = "db_" + Guid.NewGuid().ToString("N");
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"CREATE DATABASE {name} TEMPLATE {Template}", connection);
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = name }.ToString();
    }

    private static async Task MigrateAsync()
    {
        var server = await SharedPostgres.GetAsync();
        // Nobody may be connected to what is copied.
        var options = new WebhookDispatcherOptions
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(await server.CreateDatabaseAsync(Template)) { Pooling = false }.ToString(),
        };
        await using var database = new WebhookDatabase(Options.Create(options));
        await new Migrator(database, NullLogger<Migrator>.Instance).MigrateAsync(default);
    }
}
