using System.Text.Json.Serialization;
using Dapper;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Webhooks.Receiver;

namespace Webhooks.Docs.Tests.Snippets;

internal sealed record Invoice(string Id)
{
    public string Status { get; set; } = "open";
}

/// <summary>What a handler does that no transaction takes back.</summary>
internal interface IMailer
{
    Task SendAsync(string idempotencyKey, string text, CancellationToken cancellationToken);
}

#region typed handler
internal sealed record InvoicePaid(string Invoice, long AmountCents);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InvoicePaid))]
internal sealed partial class ShopJson : JsonSerializerContext;

internal sealed class InvoicePaidHandler(ILogger<InvoicePaidHandler> logger) : IWebhookHandler<InvoicePaid>
{
    public Task HandleAsync(WebhookEvent<InvoicePaid> paid, WebhookHandlerContext context, CancellationToken cancellationToken)
    {
        logger.LogInformation("Invoice {Invoice} is paid: event {Seq}, attempt {Attempt}", paid.Payload.Invoice, paid.Seq, context.Attempt);
        return Task.CompletedTask;
    }
}
#endregion

#region ADO.NET
internal sealed class InvoicePaidByAdoNet : IWebhookHandler<InvoicePaid>
{
    public async Task HandleAsync(WebhookEvent<InvoicePaid> paid, WebhookHandlerContext context, CancellationToken cancellationToken)
    {
        await using var command = context.Connection.CreateCommand();
        command.Transaction = context.Transaction;
        command.CommandText = "UPDATE invoice SET status = 'paid' WHERE id = @id";
        var id = command.CreateParameter();
        (id.ParameterName, id.Value) = ("@id", paid.Payload.Invoice);
        command.Parameters.Add(id);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
#endregion

#region Dapper
internal sealed class InvoicePaidByDapper : IWebhookHandler<InvoicePaid>
{
    public Task HandleAsync(WebhookEvent<InvoicePaid> paid, WebhookHandlerContext context, CancellationToken cancellationToken) =>
        context.Connection.ExecuteAsync(new CommandDefinition(
            "UPDATE invoice SET status = 'paid' WHERE id = @Invoice", paid.Payload, context.Transaction, cancellationToken: cancellationToken));
}
#endregion

#region EF Core
internal sealed class ShopContext(DbContextOptions<ShopContext> options) : DbContext(options)
{
    public DbSet<Invoice> Invoices => Set<Invoice>();

    protected override void OnModelCreating(ModelBuilder model) => model.Entity<Invoice>(invoice =>
    {
        invoice.ToTable("invoice");
        invoice.Property(one => one.Id).HasColumnName("id");
        invoice.Property(one => one.Status).HasColumnName("status");
    });
}

internal sealed class InvoicePaidByEfCore : IWebhookHandler<InvoicePaid>
{
    public async Task HandleAsync(WebhookEvent<InvoicePaid> paid, WebhookHandlerContext context, CancellationToken cancellationToken)
    {
        // A context of this attempt's own, on the connection and in the transaction that the receiver commits.
        var options = new DbContextOptionsBuilder<ShopContext>().UseNpgsql(context.Connection).Options;
        await using var shop = new ShopContext(options);
        await shop.Database.UseTransactionAsync(context.Transaction, cancellationToken);

        var invoice = await shop.Invoices.SingleAsync(one => one.Id == paid.Payload.Invoice, cancellationToken);
        invoice.Status = "paid";
        await shop.SaveChangesAsync(cancellationToken);
    }
}
#endregion

#region other effects
internal sealed class ThankForPayment(IMailer mailer) : IWebhookHandler<InvoicePaid>
{
    public Task HandleAsync(WebhookEvent<InvoicePaid> paid, WebhookHandlerContext context, CancellationToken cancellationToken) =>
        mailer.SendAsync(idempotencyKey: paid.Id, $"Thank you for paying {paid.Payload.Invoice}", cancellationToken);
}
#endregion

#region fallback handler
internal sealed class KeepUnknownEvents(ILogger<KeepUnknownEvents> logger) : IWebhookHandler
{
    public Task HandleAsync(WebhookEvent unknown, WebhookHandlerContext context, CancellationToken cancellationToken)
    {
        logger.LogInformation("Nobody takes {Type}; its data has {Bytes} bytes", unknown.Type, unknown.Data.Length);
        return Task.CompletedTask;
    }
}
#endregion
