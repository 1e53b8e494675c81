using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Receiver;

namespace Webhooks.Quickstart;

/// <summary>The customer: a web application that receives the events and keeps a table of them.</summary>
internal static class ReceiverHost
{
    public const string Source = "platform";

    /// <summary>The file of its configuration, and the database of its business, in its folder.</summary>
    public static string SettingsPath(string folder) => Path.Combine(folder, "receiver.json");

    public static string BusinessPath(string folder) => Path.Combine(folder, "business.db");

    /// <summary>Writes the configuration; a running receiver takes it up by itself.</summary>
    public static async Task WriteSettingsAsync(string folder, Uri feed, string endpoint, params string[] secrets)
    {
        var settings = new
        {
            Receiver = new
            {
                Secrets = secrets.Select(secret => new { Value = secret }),
                Endpoint = endpoint,
                FeedBaseAddress = feed,
                GapGrace = "00:00:01",
                PausedProbeInterval = "00:00:01",
            },
        };
        // Whole or not at all: a receiver that reloads must never see half a file.
        var draft = SettingsPath(folder) + ".new";
        await File.WriteAllBytesAsync(draft, JsonSerializer.SerializeToUtf8Bytes(settings));
        File.Move(draft, SettingsPath(folder), overwrite: true);
    }

    /// <param name="folder">Its folder: configuration, inbox, business.</param>
    /// <param name="url">Where it listens.</param>
    public static async Task<WebApplication> StartAsync(string folder, string url)
    {
        CreateBusiness(folder);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.ClearProviders();
        builder.Configuration.AddJsonFile(SettingsPath(folder), optional: false, reloadOnChange: true);
        builder.Services.AddWebhookReceiver(Source, builder.Configuration.GetSection("Receiver"))
            .UseSqliteInbox(options =>
            {
                options.InboxPath = Path.Combine(folder, "inbox.db");
                options.ProcessedConnectionString = $"Data Source={BusinessPath(folder)}";
            })
            .HandleFallback(RecordAsync);
        builder.Services.AddHealthChecks().AddWebhookReceiverCheck();
        var app = builder.Build();
        app.MapWebhookReceiver("/hooks", Source);
        app.MapHealthChecks("/health");
        await app.StartAsync();
        return app;
    }

    /// <summary>The effect: a row in the business's table, in the transaction in which the event is marked as processed.</summary>
    private static async Task RecordAsync(WebhookEvent received, WebhookHandlerContext context, CancellationToken cancel)
    {
        await using var command = context.Connection.CreateCommand();
        command.Transaction = context.Transaction;
        // No key on the event's id: were an event processed twice, the table would show it.
        command.CommandText = "INSERT INTO effect (event_id, seq, type, data) VALUES ($id, $seq, $type, $data)";
        Add("$id", received.Id);
        Add("$seq", received.Seq!.Value);
        Add("$type", received.Type);
        Add("$data", received.Data.ToArray());
        await command.ExecuteNonQueryAsync(cancel);

        void Add(string name, object value)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
    }

    private static void CreateBusiness(string folder)
    {
        using var connection = new SqliteConnection($"Data Source={BusinessPath(folder)}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS effect (
                number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, data BLOB NOT NULL);
            """;
        command.ExecuteNonQuery();
    }

    /// <summary>What was done, in the order in which it was done.</summary>
    public static List<Effect> ReadEffects(string folder)
    {
        var effects = new List<Effect>();
        ForEachEffect(folder, (id, seq, _, data) => effects.Add(new Effect(id, seq, Convert.ToHexStringLower(SHA256.HashData(data)))));
        return effects;
    }

    /// <summary>Writes what the handler was given as NDJSON, in the order in which it was given, the data byte for byte.</summary>
    public static void WriteReceived(string folder, string path)
    {
        using var file = File.Create(path);
        ForEachEffect(folder, (id, seq, type, data) =>
        {
            file.Write(Encoding.UTF8.GetBytes($"{{\"id\":\"{id}\",\"seq\":{seq},\"type\":\"{type}\",\"data\":"));
            file.Write(data);
            file.Write("}\n"u8);
        });
    }

    private static void ForEachEffect(string folder, Action<string, long, string, byte[]> take)
    {
        if (!File.Exists(BusinessPath(folder))) return;
        using var connection = new SqliteConnection($"Data Source={BusinessPath(folder)}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT event_id, seq, type, data FROM effect ORDER BY number";
        using var reader = command.ExecuteReader();
        while (reader.Read()) take(reader.GetString(0), reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3));
    }
}

/// <summary>A row of the customer's table.</summary>
internal sealed record Effect(string EventId, long Seq, string Sha256);
