using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Receiver;

namespace Webhooks.Docs.Tests.Snippets;

/// <summary>The lines of a Program.cs that the guide shows, each as a part of an application that the tests start.</summary>
internal static class Registrations
{
    public static void PostgreSql(WebApplicationBuilder builder)
    {
        #region PostgreSQL
        builder.Services.AddSingleton(NpgsqlDataSource.Create(builder.Configuration.GetConnectionString("Shop")!));
        builder.Services.AddWebhookReceiver("platform", builder.Configuration.GetSection("Webhooks:platform"))
            .UsePostgreSqlInbox()
            .AddHandler<InvoicePaid, InvoicePaidHandler>("invoice.paid", ShopJson.Default.InvoicePaid);
        #endregion
    }

    public static void SqliteBesideTheShop(IWebhookReceiverBuilder receiver)
    {
        #region SQLite beside the shop
        receiver.UseSqliteInbox(options =>
        {
            options.InboxPath = "data/inbox.db";                                // received events: a file of the receiver's own
            options.ProcessedConnectionString = "Data Source=data/shop.db";     // marks: where the handlers write
        });
        #endregion
    }

    public static void Handlers(IWebhookReceiverBuilder receiver)
    {
        #region handlers
        receiver
            .AddHandler<InvoicePaid, InvoicePaidHandler>("invoice.paid", ShopJson.Default.InvoicePaid)
            .Handle<InvoicePaid>("invoice.corrected", (corrected, context, cancellationToken) => Task.CompletedTask)
            .Handle("invoice.viewed", (viewed, context, cancellationToken) => Task.CompletedTask)
            .AddFallbackHandler<KeepUnknownEvents>();
        #endregion
    }

    public static void PerKey(IWebhookReceiverBuilder receiver)
    {
        #region per key
        receiver.ProcessPerKey(received => received.Type.StartsWith("invoice.", StringComparison.Ordinal)
            ? JsonElement.Parse(received.Data.Span).GetProperty("invoice").GetString()
            : null);    // waits for no other
        #endregion
    }

    #region vault
    internal sealed class VaultSecrets(IVault vault) : IWebhookSecretProvider
    {
        public async ValueTask<IReadOnlyList<WebhookSecretOptions>> GetSecretsAsync(string source, CancellationToken cancellationToken) =>
        [
            new() { Id = "new", Value = await vault.ReadAsync($"webhooks/{source}/new", cancellationToken) },
            new() { Id = "old", Value = await vault.ReadAsync($"webhooks/{source}/old", cancellationToken) },
        ];
    }
    #endregion

    /// <summary>Stands for whatever keeps an integrator's secrets.</summary>
    internal interface IVault
    {
        Task<string> ReadAsync(string name, CancellationToken cancellationToken);
    }

    public static void Vault(IWebhookReceiverBuilder receiver)
    {
        #region vault registration
        receiver.AddSecretProvider<VaultSecrets>();
        #endregion
    }

    public static void FeedClient(IWebhookReceiverBuilder receiver, System.Net.WebProxy proxy)
    {
        #region feed client
        receiver.ConfigureFeedClient(client => client.ConfigurePrimaryHttpMessageHandler(() =>
            new SocketsHttpHandler { Proxy = proxy, AllowAutoRedirect = false, UseCookies = false }));
        #endregion
    }

    public static void Others(WebApplicationBuilder builder)
    {
        #region other senders
        builder.Services.AddWebhookReceiver("github", builder.Configuration.GetSection("Webhooks:github"))
            .FromGitHub()
            .UseSqliteInbox("data/github.db")
            .Handle("push", (push, context, cancellationToken) => Task.CompletedTask);
        builder.Services.AddWebhookReceiver("stripe", builder.Configuration.GetSection("Webhooks:stripe"))
            .FromStripe()
            .UseSqliteInbox("data/stripe.db")
            .Handle("charge.succeeded", (charge, context, cancellationToken) => Task.CompletedTask);
        #endregion
    }

    public static void MapOthers(WebApplication app)
    {
        #region every source
        app.MapWebhookReceiver("/hooks/{source}");
        #endregion
    }

    public static void Health(WebApplicationBuilder builder)
    {
        #region health
        builder.Services.AddHealthChecks().AddWebhookReceiverCheck();
        #endregion
    }

    public static void Administration(WebApplication app)
    {
        #region administration
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapWebhookReceiverAdministration("/admin/webhooks", "operators");
        #endregion
    }

    public static async Task RetryParkedAsync(IWebhookReceiverAdministration administration, CancellationToken cancellationToken)
    {
        #region parked events
        var page = await administration.ListParkedAsync("platform", cancellationToken: cancellationToken);
        foreach (var parked in page.Events)
        {
            var result = await administration.RetryAsync("platform", parked.Id, cancellationToken);
            if (result.Outcome == AdministrationOutcome.HandlerFailed) Console.WriteLine($"{parked.Id} fails again: {result.Detail}");
        }
        #endregion
    }
}
