using Microsoft.EntityFrameworkCore;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.PlatformService;

/// <summary>What the platform does all day: an invoice for each customer, then their payments.</summary>
internal sealed class BillingRun(
    Customers customers, InvoiceIssuer issuer, PaymentCollector payments, IWebhookEventTypes types, IConfiguration configuration, ILogger<BillingRun> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await customers.CreateTablesAsync(cancellationToken);
        // At each start: what is the same changes nothing.
        await types.SetAsync(
            new EventTypeSettings("invoice.created")
            {
                Description = "An invoice was issued.",
                Schema = """{"type":"object","required":["invoice","amount_cents"],"properties":{"amount_cents":{"type":"integer","minimum":1}}}""",
                Example = """{"invoice":1,"amount_cents":1999}""",
            },
            cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(configuration.GetValue("Billing:Interval", TimeSpan.FromSeconds(5)));
        var amount = 0L;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                foreach (var application in await customers.ListAsync(stoppingToken)) await issuer.IssueAsync(application, 100 + (amount++ % 900), stoppingToken);
                await payments.CollectAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or DbUpdateException)
            {
                // Whatever was under way was rolled back with its events; the next round does it again.
                logger.LogWarning(exception, "A round of billing failed");
            }
        }
    }
}
