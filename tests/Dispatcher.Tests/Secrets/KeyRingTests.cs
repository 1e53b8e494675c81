using System.Text;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Secrets;

public class KeyRingTests
{
    [Fact]
    public async Task Secrets_AtRest_AreInNoTableInTheClear()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var second = await platform.Endpoints.RotateSecretAsync(endpoint.Id);
        receiver.Enqueue(ScriptedAnswer.Of(500));
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        var dump = new StringBuilder();
        foreach (var table in await platform.ListAsync<string>("SELECT relname::text FROM pg_class WHERE relnamespace = 'webhooks'::regnamespace AND relkind = 'r'"))
        {
            // As text, and what is bytes also as the text that they may be.
            foreach (var row in await platform.ListAsync<string>($"SELECT t::text FROM webhooks.{table} t")) dump.AppendLine(row);
        }

        foreach (var bytes in await platform.ListAsync<byte[]>("SELECT ciphertext FROM webhooks.endpoint_secret")) dump.AppendLine(Encoding.Latin1.GetString(bytes));
        var all = dump.ToString();
        Assert.Contains(endpoint.Id.Value, all);
        foreach (var secret in new[] { endpoint.Secret, second })
        {
            var base64 = secret.Reveal()["whsec_".Length..];
            Assert.DoesNotContain(base64, all);
            Assert.DoesNotContain(Convert.ToHexStringLower(Convert.FromBase64String(base64)), all);
            Assert.DoesNotContain(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(base64)), all);
        }

        Assert.DoesNotContain(Platform.MasterKey, all);
        var keys = await platform.ScalarAsync<string>("SELECT string_agg(xml, '') FROM webhooks.key_ring");
        Assert.Contains("<wrapped", keys);
        Assert.DoesNotContain("<masterKey", keys);
    }

    [Fact]
    public async Task Start_TwoProcessesOnAnEmptyDatabase_ShareOneKeyAndEachOthersSecrets()
    {
        var connectionString = await SharedPostgres.CreateDatabaseAsync();
        await using var receiver = await ScriptedReceiver.StartAsync();
        var platforms = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => Platform.StartAsync(connectionString: connectionString, worker: i == 0)));
        Assert.Equal(1, await platforms[0].ScalarAsync<long>("SELECT count(*) FROM webhooks.key_ring"));
        // Made by one that only manages, signed with by the one that delivers.
        var (application, endpoint) = await platforms[2].AddEndpointAsync(receiver.Url);
        await platforms[1].PublishAsync(application);
        Assert.True((await receiver.WaitForAsync(1))[0].Verify(endpoint.Secret).IsValid);
        foreach (var platform in platforms) await platform.DisposeAsync();
    }

    [Fact]
    public async Task Start_OtherHomeDirectory_ReadsTheSameSecrets()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var first = await Platform.StartAsync(worker: false);
        var (application, endpoint) = await first.AddEndpointAsync(receiver.Url);
        var home = Environment.GetEnvironmentVariable("HOME");
        var elsewhere = Directory.CreateTempSubdirectory("webhooks-home-");
        try
        {
            Environment.SetEnvironmentVariable("HOME", elsewhere.FullName);
            await using var second = await Platform.StartAsync(connectionString: first.ConnectionString);
            await second.PublishAsync(application);
            Assert.True((await receiver.WaitForAsync(1))[0].Verify(endpoint.Secret).IsValid);
            Assert.Empty(elsewhere.GetFiles("*", SearchOption.AllDirectories));
        }
        finally
        {
            Environment.SetEnvironmentVariable("HOME", home);
            elsewhere.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Start_WrongMasterKey_FailsAndSaysWhy()
    {
        await using var right = await Platform.StartAsync(worker: false);
        var wrong = Convert.ToBase64String(new byte[32]);
        var failed = await Assert.ThrowsAsync<WebhookSettingsException>(() => Platform.StartAsync(options => options.MasterKey = wrong, right.ConnectionString));
        Assert.Contains("MasterKey does not open key", failed.Message);
        Assert.Contains("configure the key with which this database was set up", failed.Message);
        Assert.DoesNotContain(wrong, failed.ToString());
    }

    /// <summary>One endpoint that cannot be read must not keep the others from being delivered to.</summary>
    [Theory]
    [InlineData("UPDATE webhooks.endpoint_secret SET ciphertext = '\\x00' WHERE endpoint = 1")]
    [InlineData("DELETE FROM webhooks.endpoint_secret WHERE endpoint = 1")]
    public async Task Deliver_OneSecretUnreadable_OthersAreServed(string damage)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, damaged) = await platform.AddEndpointAsync(receiver.Url);
        var sound = await platform.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()));
        await platform.ExecuteAsync(damage);
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(sound.Id, stream => stream.Cursor == 5);
        Assert.Equal(0, (await platform.Endpoints.GetStreamAsync(damaged.Id)).Cursor);
    }
}
