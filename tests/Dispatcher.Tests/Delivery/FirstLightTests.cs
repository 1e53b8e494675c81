using System.Text;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

public class FirstLightTests
{
    [Fact]
    public async Task Queries_AgainstTheMigratedSchema_AllPrepare()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var database = platform.Get<WebhookDatabase>();
        await using var connection = await platform.Data.OpenConnectionAsync();
        var failures = new StringBuilder();
        foreach (var name in WebhookDatabase.QueryNames())
        {
            var sql = database.Query(name);
            try
            {
                await using var prepare = new NpgsqlCommand($"PREPARE q AS {sql}", connection);
                await prepare.ExecuteNonQueryAsync();
                await using var forget = new NpgsqlCommand("DEALLOCATE q", connection);
                await forget.ExecuteNonQueryAsync();
            }
            catch (PostgresException exception)
            {
                failures.AppendLine($"{name}: {exception.MessageText}");
            }

            Assert.StartsWith("-- Locks", sql);
        }

        Assert.Equal("", failures.ToString());
    }

    [Fact]
    public async Task Publish_ToOneEndpoint_ArrivesSignedInOrder()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 1; i <= 50; i++) await platform.PublishAsync(application, $$"""{"n":{{i}}}""");
        var requests = await receiver.WaitForAsync(50);
        Assert.All(requests, request => Assert.True(request.Verify(endpoint.Secret).IsValid));
        for (var i = 1; i <= 50; i++)
        {
            Assert.Contains($"\"seq\":{i},\"data\":{{\"n\":{i}}}}}", requests[i - 1].Text);
        }

        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 50);
    }
}
