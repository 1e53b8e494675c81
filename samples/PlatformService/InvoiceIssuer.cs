using System.Text.Json.Serialization;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.PlatformService;

/// <summary>Issues invoices, with plain Npgsql.</summary>
internal sealed class InvoiceIssuer(NpgsqlDataSource database, IWebhookPublisher publisher)
{
    public async Task IssueAsync(WebhookApplicationId application, long amountCents, CancellationToken cancel)
    {
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using var insert = new NpgsqlCommand(
            "INSERT INTO billing.invoice (application, amount_cents, status) VALUES ($1, $2, 'open') RETURNING id", connection, transaction)
        {
            Parameters = { new() { Value = application.Value }, new() { Value = amountCents } },
        };
        var invoice = (long)(await insert.ExecuteScalarAsync(cancel))!;
        var created = EventToPublish.From(application, "invoice.created", new InvoiceCreated(invoice, amountCents), BillingJson.Default.InvoiceCreated);
        await publisher.PublishAsync(created, transaction, cancel);
        // The invoice and its event: both from here on, or neither.
        await transaction.CommitAsync(cancel);
        await publisher.WakeAsync(cancel);
    }
}

/// <summary>Data of <c>invoice.created</c>.</summary>
internal sealed record InvoiceCreated(long Invoice, long AmountCents);

/// <summary>Data of <c>invoice.paid</c>.</summary>
internal sealed record InvoicePaid(long Invoice);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InvoiceCreated))]
[JsonSerializable(typeof(InvoicePaid))]
internal sealed partial class BillingJson : JsonSerializerContext;
