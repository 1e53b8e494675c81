using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Chaos.Faults;
using Webhooks.Receiver;

namespace Webhooks.Chaos.Cast;

/// <summary>A customer's application: the receiver package with its SQLite inbox, and a handler whose effect is a row in the transaction it is given.</summary>
internal static class ReceiverApp
{
    public static string ConfigurationPath(string folder) => Path.Combine(folder, "receiver.json");

    public static string InboxPath(string folder) => Path.Combine(folder, "inbox.db");

    public static string BusinessPath(string folder) => Path.Combine(folder, "business.db");

    public static string WirePath(string folder, string source) => Path.Combine(folder, $"wire-{source}.log");

    public static WebApplication Build(RoleSettings settings, out FaultyEdge edge)
    {
        CreateBusiness(settings.Folder);
        var builder = RoleHost.Builder(settings);
        builder.Configuration.AddJsonFile(ConfigurationPath(settings.Folder), optional: false, reloadOnChange: true);
        foreach (var source in settings.Sources)
        {
            builder.Services.AddWebhookReceiver(source, builder.Configuration.GetSection(source))
                .UseSqliteInbox(options =>
                {
                    options.InboxPath = InboxPath(settings.Folder);
                    options.ProcessedConnectionString = $"Data Source={BusinessPath(settings.Folder)}";
                })
                .HandleFallback(RecordAsync);
        }

        var app = builder.Build();
        var faulty = edge = new FaultyEdge(settings);
        app.Use(faulty.PassAsync);
        foreach (var source in settings.Sources) app.MapWebhookReceiver($"/{source}", source);
        return app;
    }

    private static async Task RecordAsync(WebhookEvent received, WebhookHandlerContext context, CancellationToken cancel)
    {
        await using var command = context.Connection.CreateCommand();
        command.Transaction = context.Transaction;
        // No key on the event's id: were an event processed twice, the table would show it.
        command.CommandText = "INSERT INTO effect (source, event_id, seq, sha256) VALUES ($source, $id, $seq, $sha256)";
        foreach (var (name, value) in new (string, object)[]
                 {
                     ("$source", received.Source), ("$id", received.Id), ("$seq", received.Seq!.Value),
                     ("$sha256", Convert.ToHexStringLower(SHA256.HashData(received.Data.Span))),
                 })
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        await command.ExecuteNonQueryAsync(cancel);
    }

    private static void CreateBusiness(string folder)
    {
        using var connection = new SqliteConnection($"Data Source={BusinessPath(folder)}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS effect (
                number INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, event_id TEXT NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL);
            """;
        command.ExecuteNonQuery();
    }
}
