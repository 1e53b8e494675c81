using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Receiver;

namespace Webhooks.FailureDrills.Staging;

/// <summary>Where a receiver is and what it belongs to.</summary>
/// <param name="Listen">Its address and port.</param>
/// <param name="Path">The path that the endpoint calls.</param>
/// <param name="Endpoint">The endpoint's id.</param>
/// <param name="Feed">Where the platform's feed is.</param>
/// <param name="Folder">Holds its files.</param>
/// <param name="Scale">By how much waits are stretched.</param>
/// <param name="Secret">The endpoint's newest secret.</param>
internal sealed record ReceiverPlace(Uri Listen, string Path, string Endpoint, Uri Feed, string Folder, double Scale, string Secret)
{
    public string InboxPath => System.IO.Path.Combine(Folder, "inbox.db");

    public string BusinessPath => System.IO.Path.Combine(Folder, "business.db");
}

/// <summary>The customer's application: the receiver package as its documentation has it, and a handler that writes a row for each event.</summary>
internal static class ReceiverApp
{
    public const string Source = "platform";

    /// <param name="place">Where it is.</param>
    /// <param name="settings">Its secrets.</param>
    /// <param name="clock">Its clock.</param>
    /// <param name="options">Changes its options, whose waits are short already.</param>
    /// <param name="log">Is told warnings and errors.</param>
    /// <param name="before">Called with each event and attempt before the effect is written; null for nothing.</param>
    /// <param name="after">Called after it was written, before the transaction commits; null for nothing.</param>
    /// <param name="cancel">Gives up starting.</param>
    public static async Task<WebApplication> StartAsync(
        ReceiverPlace place, IConfigurationSource settings, TimeProvider clock, Action<WebhookReceiverOptions> options, Action<string> log,
        Func<WebhookEvent, int, Task>? before, Func<WebhookEvent, int, Task>? after, CancellationToken cancel)
    {
        CreateBusiness(place.BusinessPath);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(place.Listen.ToString());
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(new LineLog(log));
        builder.Services.AddSingleton(clock);
        builder.Services.AddWebhookReceiver(Source, new ConfigurationBuilder().Add(settings).Build())
            .UseSqliteInbox(sqlite => (sqlite.InboxPath, sqlite.ProcessedConnectionString) = (place.InboxPath, $"Data Source={place.BusinessPath}"))
            .HandleFallback(HandleAsync);
        builder.Services.AddHealthChecks().AddWebhookReceiverCheck();
        builder.Services.PostConfigure<WebhookReceiverOptions>(Source, receiver =>
        {
            receiver.Endpoint = place.Endpoint;
            receiver.FeedBaseAddress = place.Feed;
            (receiver.GapGrace, receiver.PausedProbeInterval, receiver.HeadProbeInterval) = (Time(0.1), Time(0.3), Time(2));
            (receiver.FeedRetryMin, receiver.FeedRetryMax) = (Time(0.05), Time(0.5));
            (receiver.HandlerRetryMin, receiver.HandlerRetryMax) = (Time(0.05), Time(0.2));
            options(receiver);
        });
        var app = builder.Build();
        app.MapWebhookReceiver(place.Path, Source);
        await app.StartAsync(cancel);
        return app;

        TimeSpan Time(double seconds) => TimeSpan.FromSeconds(seconds) * place.Scale;

        async Task HandleAsync(WebhookEvent received, WebhookHandlerContext context, CancellationToken stop)
        {
            if (before is not null) await before(received, context.Attempt);
            await WriteEffectAsync(received, context, stop);
            if (after is not null) await after(received, context.Attempt);
        }
    }

    private static async Task WriteEffectAsync(WebhookEvent received, WebhookHandlerContext context, CancellationToken stop)
    {
        await using var command = context.Connection.CreateCommand();
        command.Transaction = context.Transaction;
        // No key on the event's id: were an event processed twice, the table would show it.
        command.CommandText = "INSERT INTO effect (event_id, seq, at) VALUES ($id, $seq, $at)";
        foreach (var (name, value) in new (string, object)[] { ("$id", received.Id), ("$seq", received.Seq ?? 0), ("$at", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()) })
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        await command.ExecuteNonQueryAsync(stop);
    }

    private static void CreateBusiness(string path)
    {
        using var connection = new SqliteConnection($"Data Source={path}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS effect (number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL);
            """;
        command.ExecuteNonQuery();
    }
}
