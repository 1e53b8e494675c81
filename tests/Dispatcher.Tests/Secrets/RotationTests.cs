using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Secrets;

/// <summary>Promise 7: rotation loses nothing; during the overlap each request bears a signature of every live secret.</summary>
public class RotationTests
{
    [Fact]
    public async Task Rotate_DuringTheOverlap_BothSignNewestFirstThenOnlyTheNew()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        var fresh = await platform.Endpoints.RotateSecretAsync(endpoint.Id);
        var request = await NextAsync(platform, receiver, application);
        Assert.Equal(0, request.Verify(fresh, endpoint.Secret).SecretIndex);
        Assert.True(request.Verify(endpoint.Secret).IsValid);
        var entries = request.Header(WebhookHeaders.Signature)!.Split(' ');
        Assert.Equal(2, entries.Length);
        Assert.Equal(
            WebhookSigner.Sign(request.WebhookId, long.Parse(request.Header(WebhookHeaders.Timestamp)!, null), request.Body.Span, [fresh]), entries[0]);

        await platform.Endpoints.RevokeSecretAsync(endpoint.Id, endpoint.Secret.Fingerprint);
        request = await NextAsync(platform, receiver, application);
        Assert.True(request.Verify(fresh).IsValid);
        Assert.False(request.Verify(endpoint.Secret).IsValid);

        var last = await platform.Endpoints.RotateSecretAsync(endpoint.Id, TimeSpan.Zero, WebhookSecret.Generate(64));
        request = await NextAsync(platform, receiver, application);
        Assert.Single(request.Header(WebhookHeaders.Signature)!.Split(' '));
        Assert.True(request.Verify(last).IsValid);
        Assert.Equal(2, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.operational_event WHERE type = 'endpoint.secret_rotated'"));
    }

    /// <summary>While the lease is held: the end of an overlap is in the lease, not in a message.</summary>
    [Fact]
    public async Task Rotate_OverlapEndsWhileEventsFlow_EveryRequestVerifiesWithWhatItsReceiverHolds()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Delivery.Linger = TimeSpan.FromSeconds(30));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        using var done = new CancellationTokenSource();
        var flow = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested) await platform.PublishAsync(application);
        });
        await receiver.WaitForAsync(50);
        // Long enough for a request within it on any machine.
        var fresh = await platform.Endpoints.RotateSecretAsync(endpoint.Id, TimeSpan.FromSeconds(5));
        await receiver.WaitForAsync(request => request.Verify(fresh).IsValid && !request.Verify(endpoint.Secret).IsValid, TimeSpan.FromSeconds(60));
        await done.CancelAsync();
        await flow;
        var verdicts = receiver.Requests.Select(request => (Old: request.Verify(endpoint.Secret).IsValid, New: request.Verify(fresh).IsValid)).ToList();
        Assert.All(verdicts, verdict => Assert.True(verdict.Old || verdict.New));
        Assert.Contains((true, true), verdicts);
        // Old, then both, then new; never back.
        Assert.Equal([(true, false), (true, true), (false, true)], verdicts.Where((verdict, i) => i == 0 || verdicts[i - 1] != verdict));
    }

    [Fact]
    public async Task Rotate_Limits_AreHeld()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var only = await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.RevokeSecretAsync(endpoint.Id, endpoint.Secret.Fingerprint));
        Assert.Contains("the only live secret", only.Message);
        await platform.Endpoints.RotateSecretAsync(endpoint.Id);
        var newest = await platform.Endpoints.RotateSecretAsync(endpoint.Id);
        Assert.Contains("at most 3", (await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.RotateSecretAsync(endpoint.Id))).Message);
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.RotateSecretAsync(endpoint.Id, secret: newest));
        await Assert.ThrowsAsync<WebhookValidationException>(() => platform.Endpoints.RotateSecretAsync(endpoint.Id, TimeSpan.FromDays(8)));
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.RotateSecretAsync(WebhookEndpointId.New()));
        await Assert.ThrowsAsync<WebhookNotFoundException>(() => platform.Endpoints.RevokeSecretAsync(endpoint.Id, "00000000"));

        // The newest goes: the one before it takes its place, for good.
        await platform.Endpoints.RevokeSecretAsync(endpoint.Id, newest.Fingerprint);
        Assert.Equal(1, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint_secret WHERE expires_at IS NULL"));
        // Many at once, and still never more than three.
        var attempts = Enumerable.Range(0, 6).Select(_ => platform.Endpoints.RotateSecretAsync(endpoint.Id)).ToList();
        var outcomes = await Task.WhenAll(attempts.Select(async attempt => await Record.ExceptionAsync(() => attempt)));
        Assert.Single(outcomes, outcome => outcome is null);
        Assert.Equal(3, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.endpoint_secret WHERE expires_at IS NULL OR expires_at > now()"));
    }

    /// <summary>Two changes at once each saw what the other was about to take away: an endpoint could end with four live secrets, or with none.</summary>
    [Fact]
    public async Task Revoke_EveryLiveSecretAtOnce_OneAlwaysStays()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        for (var round = 0; round < 10; round++)
        {
            var (_, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
            var second = await platform.Endpoints.RotateSecretAsync(endpoint.Id);
            await Task.WhenAll(new[] { endpoint.Secret, second }.Select(secret =>
                Record.ExceptionAsync(() => platform.Endpoints.RevokeSecretAsync(endpoint.Id, secret.Fingerprint))));
            Assert.Equal(1, await platform.ScalarAsync<long>(
                $"SELECT count(*) FROM webhooks.endpoint_secret JOIN webhooks.endpoint e USING (endpoint) WHERE e.id = '{endpoint.Id}' AND expires_at IS NULL"));
        }
    }

    /// <summary>The hint of a rotation was lost with the listening connection; a pump that is never idle kept the old secrets for ever.</summary>
    [Fact]
    public async Task Rotate_HintLost_IsMadeUpForWhenListeningAgain()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Linger = TimeSpan.FromMinutes(10);
            options.Delivery.LeaseDuration = TimeSpan.FromMinutes(10);
        });
        await using var desk = await Platform.StartAsync(connectionString: platform.ConnectionString, worker: false);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await NextAsync(platform, receiver, application);
        await platform.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");
        var fresh = await desk.Endpoints.RotateSecretAsync(endpoint.Id, TimeSpan.Zero);
        await Platform.UntilAsync(async () => (await NextAsync(platform, receiver, application)).Verify(fresh).IsValid, "the new secret signs");
    }

    private static async Task<CapturedRequest> NextAsync(Platform platform, ScriptedReceiver receiver, WebhookApplicationId application)
    {
        var id = await platform.PublishAsync(application);
        return await receiver.WaitForAsync(request => request.WebhookId == id.Value);
    }
}
