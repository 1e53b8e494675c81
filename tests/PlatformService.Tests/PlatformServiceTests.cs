using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.PlatformService.Tests;

/// <summary>samples/PlatformService as a process: what it publishes in its own transactions arrives, and it hears of a pause.</summary>
public class PlatformServiceTests
{
    private const string MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    [Fact]
    public async Task Service_PublishesWithNpgsqlAndWithEfCore_AndHearsThatAnEndpointIsPaused()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        await using var data = NpgsqlDataSource.Create(database);
        await using var receiver = await ScriptedReceiver.StartAsync();
        string[] settings =
        [
            "--Webhooks:ConnectionString", database, "--Webhooks:MasterKey", MasterKey, "--Webhooks:Sending:AllowHttp", "true",
            "--Webhooks:Sending:AllowedNetworks:0", "127.0.0.0/8", "--Billing:Interval", "00:00:00.100", "--urls", "http://127.0.0.1:0",
        ];
        var program = Path.Combine(AppContext.BaseDirectory, "PlatformService.dll");
        var (exit, output) = Command.Run("dotnet", [program, "add-customer", "Acme", new Uri(receiver.Url, "hooks").ToString(), .. settings]);
        Assert.True(exit == 0, output);
        var customer = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Single(line => line.StartsWith("ep_", StringComparison.Ordinal)).Split(' ');

        var log = new ConcurrentQueue<string>();
        using var service = await ChildProcess.StartAsync(program, settings, log.Enqueue, line => line.Contains("Application started", StringComparison.Ordinal));
        await receiver.WaitForAsync(6, TimeSpan.FromSeconds(120));
        var requests = receiver.Requests.Take(6).ToList();
        Assert.All(requests, request => Assert.Equal(VerificationStatus.Valid, request.Verify(WebhookSecret.Parse(customer[1])).Status));
        var events = requests.Select(request => JsonDocument.Parse(request.Body).RootElement).ToList();
        Assert.Equal(Enumerable.Range(1, 6), events.Select(one => one.GetProperty("seq").GetInt32()));
        // Each invoice is issued before it is paid: in the order of the transactions.
        foreach (var invoice in events.GroupBy(one => one.GetProperty("data").GetProperty("invoice").GetInt64()).Where(invoice => invoice.Count() == 2))
            Assert.Equal(["invoice.created", "invoice.paid"], invoice.Select(one => one.GetProperty("type").GetString()));
        Assert.Contains(events, one => one.GetProperty("type").GetString() == "invoice.paid");

        receiver.Respond(_ => ScriptedAnswer.Of(410));
        var patience = Stopwatch.StartNew();
        while (await CountAsync("SELECT count(*) FROM billing.paused_endpoint WHERE details ->> 'reason' = 'gone'") == 0)
        {
            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(120), string.Join('\n', log));
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        service.Terminate();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        Assert.Equal(0, await service.WaitAsync(limit.Token));
        // An event for each row and each payment, and none without.
        Assert.Equal(
            await CountAsync("SELECT count(*) + count(*) FILTER (WHERE status = 'paid') FROM billing.invoice"),
            await CountAsync("SELECT count(*) FROM webhooks.event"));
        Assert.DoesNotContain(log, line => line.Contains(customer[1], StringComparison.Ordinal));

        async Task<long> CountAsync(string sql)
        {
            await using var command = data.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync())!;
        }
    }
}
