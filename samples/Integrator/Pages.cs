using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.Receiver;

namespace Webhooks.Integrator;

/// <summary>What people look at: the invoices, and how the receiver stands.</summary>
internal static class Pages
{
    private const string Style = "<style>body{font:16px/1.5 sans-serif;margin:2rem}td,th{padding:.1rem 1rem .1rem 0;text-align:left}</style>";

    public static async Task<IResult> InvoicesAsync(ShopDatabase shop, CancellationToken cancellationToken)
    {
        await using var connection = await shop.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT id, customer, amount_cents, status FROM invoice ORDER BY id LIMIT 200";
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var page = new StringBuilder($"<!doctype html><title>Invoices</title>{Style}<h1>Invoices</h1><p><a href=/status>How the receiver stands</a></p><table><tr><th>invoice<th>customer<th>amount<th>status");
        while (await rows.ReadAsync(cancellationToken))
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(rows.GetString(0))}<td>{Text(rows.GetString(1))}<td>{rows.GetInt64(2) / 100m:F2}<td>{Text(rows.GetString(3))}");
        return Results.Content(page.Append("</table>").ToString(), "text/html; charset=utf-8");
    }

    public static async Task<IResult> StatusAsync(IWebhookReceiverStatus receiver, HealthCheckService health, CancellationToken cancellationToken)
    {
        var report = await health.CheckHealthAsync(cancellationToken);
        var page = new StringBuilder($"<!doctype html><title>Receiver</title>{Style}<h1>The receiver is {Text(report.Status.ToString().ToLowerInvariant())}</h1>");
        foreach (var (name, entry) in report.Entries)
            if (entry.Description is { Length: > 0 } why) page.Append(CultureInfo.InvariantCulture, $"<p>{Text(name)}: {Text(why)}");
        page.Append("<table><tr><th>source<th>endpoint<th>processed up to<th>stored up to<th>waiting<th>missing");
        foreach (var source in receiver.Sources)
        {
            foreach (var stream in (await receiver.GetAsync(source, cancellationToken)).Streams)
                page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(source)}<td>{Text(stream.Endpoint)}<td>{stream.Watermark}<td>{stream.HighestStored}<td>{stream.Waiting}<td>{Text(string.Join(", ", stream.Gaps))}");
        }

        return Results.Content(page.Append("</table><p><a href=/>Invoices</a>").ToString(), "text/html; charset=utf-8");
    }

    private static string Text(string text) => HtmlEncoder.Default.Encode(text);
}
