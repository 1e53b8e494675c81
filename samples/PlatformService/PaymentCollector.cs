using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.PlatformService;

/// <summary>Takes payments, with EF Core.</summary>
internal sealed class PaymentCollector(IDbContextFactory<BillingContext> contexts, IWebhookPublisher publisher)
{
    /// <summary>Takes the payment of every open invoice.</summary>
    public async Task<int> CollectAsync(CancellationToken cancel)
    {
        await using var context = await contexts.CreateDbContextAsync(cancel);
        await using var transaction = await context.Database.BeginTransactionAsync(cancel);
        var open = await context.Invoices.Where(invoice => invoice.Status == "open").OrderBy(invoice => invoice.Id).Take(100).ToListAsync(cancel);
        foreach (var invoice in open) invoice.Status = "paid";
        await context.SaveChangesAsync(cancel);
        var paid = open.Select(invoice => EventToPublish.From(
            WebhookApplicationId.Parse(invoice.Application), "invoice.paid", new InvoicePaid(invoice.Id), BillingJson.Default.InvoicePaid)).ToList();
        // EF Core's transaction is one of Npgsql's: the same as the dispatcher takes.
        await publisher.PublishAsync(paid, (NpgsqlTransaction)transaction.GetDbTransaction(), cancel);
        await transaction.CommitAsync(cancel);
        await publisher.WakeAsync(cancel);
        return open.Count;
    }
}
