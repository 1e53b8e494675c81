using System.Text.Json.Serialization;
using Webhooks.Receiver;

namespace Webhooks.Integrator;

/// <summary>Data of <c>invoice.created</c>.</summary>
internal sealed record InvoiceCreated(string Invoice, string Customer, long AmountCents);

/// <summary>Data of <c>invoice.paid</c>.</summary>
internal sealed record InvoicePaid(string Invoice, DateTimeOffset PaidAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InvoiceCreated))]
[JsonSerializable(typeof(InvoicePaid))]
internal sealed partial class ShopJson : JsonSerializerContext;

/// <summary>A new invoice: a row, in the transaction in which the event is marked as processed.</summary>
internal sealed class InvoiceCreatedHandler : IWebhookHandler<InvoiceCreated>
{
    public Task HandleAsync(WebhookEvent<InvoiceCreated> created, WebhookHandlerContext context, CancellationToken cancellationToken) =>
        context.ExecuteAsync(
            "INSERT INTO invoice (id, customer, amount_cents, status) VALUES (@id, @customer, @amount, 'open')", cancellationToken,
            ("@id", created.Payload.Invoice), ("@customer", created.Payload.Customer), ("@amount", created.Payload.AmountCents));
}

/// <summary>
/// An invoice is paid. Events come in order, so it is there; were it not, that would be a fault that somebody should look at, and the stream stops.
/// </summary>
internal sealed class InvoicePaidHandler : IWebhookHandler<InvoicePaid>
{
    public async Task HandleAsync(WebhookEvent<InvoicePaid> paid, WebhookHandlerContext context, CancellationToken cancellationToken)
    {
        var rows = await context.ExecuteAsync(
            "UPDATE invoice SET status = 'paid' WHERE id = @id", cancellationToken, ("@id", paid.Payload.Invoice));
        if (rows == 0) throw new InvalidOperationException($"Invoice {paid.Payload.Invoice} is paid and was never created.");
    }
}
