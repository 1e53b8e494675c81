using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>Secrets from a provider: kept, renewed before they are stale, and not lost when the provider is down (promise 7).</summary>
public sealed class SecretProviderTests
{
    private static readonly WebhookSecret Old = WebhookSecret.Generate();
    private static readonly WebhookSecret New = WebhookSecret.Generate();

    private readonly Vault _vault = new() { Given = [Of("old", Old)] };

    [Fact]
    public async Task Request_SignedWithAProvidedSecret_IsTaken_BesideThoseOfTheOptions()
    {
        await using var app = await StartAsync(withOptions: true);
        Assert.Equal((204, 204), (await SendAsync(app, 1, Old), await SendAsync(app, 2, TestApp.Secret)));
        Assert.Equal(1, _vault.Calls);
        Assert.Equal(2, (await app.Status.GetAsync(TestApp.Source)).LiveSecrets);
    }

    [Fact]
    public async Task Rotation_TheFirstRequestWithTheNewSecret_IsTaken()
    {
        await using var app = await StartAsync(options => options.SecretEarlyRefreshInterval = TimeSpan.FromMilliseconds(10));
        Assert.Equal(204, await SendAsync(app, 1, Old));
        _vault.Given = [Of("new", New)];
        await Wait.UntilAsync(async () => await SendAsync(app, 2, New) == 204);
        Assert.Equal(401, await SendAsync(app, 3, Old));
    }

    [Fact]
    public async Task UnknownSignatures_AskTheProviderOnceInTheInterval()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await StartAsync(clock: clock);
        for (var i = 0; i < 20; i++) Assert.Equal(401, await SendAsync(app, 1, New, clock));
        Assert.Equal(1, _vault.Calls);
        clock.Advance(TimeSpan.FromSeconds(10));
        for (var i = 0; i < 20; i++) Assert.Equal(401, await SendAsync(app, 1, New, clock));
        Assert.Equal(2, _vault.Calls);
    }

    [Fact]
    public async Task ManyAtOnce_ShareOneQuestion()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await StartAsync(clock: clock);
        clock.Advance(TimeSpan.FromSeconds(10));
        _vault.Gate = new TaskCompletionSource();
        _vault.Given = [Of("new", New)];
        var requests = Enumerable.Range(1, 20).Select(seq => SendAsync(app, seq, New, clock)).ToList();
        await _vault.Entered.Task.WaitAsync(Wait.Limit);
        _vault.Gate.SetResult();
        // Whoever came while the question was under way has waited for it; a later one finds the answer known.
        Assert.All(await Task.WhenAll(requests), status => Assert.Equal(204, status));
        Assert.Equal((2, 1), (_vault.Calls, _vault.AtOnce));
    }

    /// <summary>It was judged by the secrets from before, and the provider was not asked again so soon: the sender was answered 401.</summary>
    [Fact]
    public async Task Request_UnderWayWhileAnotherOneHadTheProviderAsked_IsJudgedByTheAnswer()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        var (entered, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var app = await StartAsync(clock: clock, pipeline: pipeline => pipeline.Use(async (context, next) =>
        {
            if (context.Request.Headers.ContainsKey("X-Slow"))
                context.Features.Set<IRequestBodyPipeFeature>(new GatedBody(context.Features.GetRequiredFeature<IRequestBodyPipeFeature>(), entered, gate.Task));
            await next(context);
        }));
        clock.Advance(TimeSpan.FromSeconds(10));
        _vault.Given = [Of("new", New)];
        using var request = Request(1, New, clock);
        request.Headers.Add("X-Slow", "1");
        var slow = app.SendAsync(request);
        await entered.Task.WaitAsync(Wait.Limit);
        Assert.Equal(204, await SendAsync(app, 2, New, clock));
        gate.SetResult();
        using var response = await slow;
        Assert.Equal(204, (int)response.StatusCode);
        Assert.Equal(2, _vault.Calls);
    }

    [Fact]
    public async Task Outage_KeepsTheLastKnown_DegradesHealth_AndEnds()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await StartAsync(clock: clock);
        var provided = app.Services.GetRequiredService<ReceiverRegistry>().Get(TestApp.Source).Provided!;
        Assert.Equal(HealthStatus.Healthy, await app.HealthAsync());

        _vault.Failure = new HttpRequestException("the vault is down");
        clock.Advance(TimeSpan.FromMinutes(5));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).SecretError is not null);
        Assert.Equal(204, await SendAsync(app, 1, Old, clock));
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());

        clock.Advance(TimeSpan.FromHours(24));
        await provided.RunOnceAsync(default);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).LiveSecrets == 0);
        using (var response = await app.SendAsync(Request(2, Old, clock)))
            Assert.Equal((503, true), ((int)response.StatusCode, response.Headers.RetryAfter is not null));
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());

        _vault.Failure = null;
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(204, await SendAsync(app, 2, Old, clock));
        Assert.Equal(HealthStatus.Healthy, await app.HealthAsync());
    }

    [Fact]
    public async Task Outage_ProviderThatHangs_IsNotWaitedForBeyondItsTime()
    {
        await using var app = await StartAsync(options =>
            (options.SecretEarlyRefreshInterval, options.SecretTimeout) = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)));
        _vault.Gate = new TaskCompletionSource();
        await Wait.UntilAsync(async () => await SendAsync(app, 1, New) == 401 && _vault.Calls > 1);
        Assert.Equal(204, await SendAsync(app, 1, Old));
        _vault.Gate.SetResult();
    }

    [Theory]
    [InlineData("whsec_nonsense!")]
    [InlineData(null)]
    public async Task GivenWhatIsNoSecret_KeepsTheLastKnown_AndNeverShowsIt(string? value)
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await StartAsync(clock: clock);
        _vault.Given = [new WebhookSecretOptions { Value = value }];
        clock.Advance(TimeSpan.FromMinutes(5));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).SecretError is not null);
        Assert.DoesNotContain("nonsense", (await app.Status.GetAsync(TestApp.Source)).SecretError, StringComparison.Ordinal);
        Assert.Equal(204, await SendAsync(app, 1, Old, clock));
    }

    [Fact]
    public async Task Given_IsAskedForAnewBeforeItIsStale()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await StartAsync(clock: clock);
        _vault.Given = [Of("new", New)];
        clock.Advance(TimeSpan.FromMinutes(5));
        await Wait.UntilAsync(() => Task.FromResult(_vault.Calls == 2));
        await Wait.UntilAsync(async () => await SendAsync(app, 1, New, clock) == 204);
        Assert.Equal(2, _vault.Calls);
    }

    [Fact]
    public void Age_Next_LiesBeforeTheEndOfTheInterval_AndAfterAFailureSoon()
    {
        var options = new WebhookReceiverOptions();
        var now = DateTimeOffset.UnixEpoch;
        Assert.All([0.8, 1, 1.2], jitter => Assert.InRange(new SecretAge(now, now, 0, jitter).Next(options), now.AddMinutes(3), now.AddMinutes(5)));
        Assert.Equal(now.AddSeconds(1), new SecretAge(now, now, 1, 1).Next(options));
        Assert.Equal(now.AddMinutes(1), new SecretAge(now, now, 50, 1).Next(options));
    }

    [Fact]
    public async Task Times_OfAProvidedSecret_AreHeldTo()
    {
        _vault.Given =
        [
            new WebhookSecretOptions { Id = "new", Value = New.Reveal(), NotBefore = DateTimeOffset.UtcNow.AddHours(1) },
            new WebhookSecretOptions { Id = "old", Value = Old.Reveal(), NotAfter = DateTimeOffset.UtcNow.AddHours(1) },
        ];
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await StartAsync(clock: clock);
        Assert.Equal((204, 401), (await SendAsync(app, 1, Old, clock), await SendAsync(app, 2, New, clock)));
        clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal((401, 204), (await SendAsync(app, 2, Old, clock), await SendAsync(app, 2, New, clock)));
    }

    [Fact]
    public async Task Feed_IsSignedWithTheProvidedSecret()
    {
        await using var feed = await FeedServer.StartAsync(3);
        (feed.Accepts, feed.SignsWith) = ([Old], Old);
        await using var app = await StartAsync(options => (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint));
        await app.UntilProcessedAsync(3);
    }

    [Fact]
    public async Task Start_ProviderThatGivesNone_FailsAndSaysSo()
    {
        _vault.Given = [];
        Assert.Contains("provider gave none", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_ProviderThatFails_FailsAndSaysSo()
    {
        _vault.Failure = new HttpRequestException("the vault is down");
        Assert.Contains("provider failed (HttpRequestException)", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_ProviderThatFails_WithASecretInTheOptions_Starts()
    {
        _vault.Failure = new HttpRequestException("the vault is down");
        await using var app = await StartAsync(withOptions: true);
        Assert.Equal(204, await SendAsync(app, 1, TestApp.Secret));
        Assert.Equal(HealthStatus.Degraded, await app.HealthAsync());
    }

    [Fact]
    public async Task Start_ProviderOfAType_IsResolvedOnce()
    {
        await using var app = await TestApp.StartAsync(
            options => options.Secrets.Clear(), builder => builder.AddSecretProvider<Vault>(), memory: true, services: services => services.AddSingleton(_vault));
        Assert.Equal(204, await SendAsync(app, 1, Old));
    }

    [Fact]
    public void Add_TwoProviders_SaysSo()
    {
        var builder = new ServiceCollection().AddWebhookReceiver("acme", _ => { }).AddSecretProvider<Vault>();
        Assert.Contains("acme", Assert.Throws<InvalidOperationException>(() => builder.AddSecretProvider<Vault>()).Message, StringComparison.Ordinal);
    }

    private async Task<OptionsValidationException> FailsAsync() => await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync());

    private Task<TestApp> StartAsync(Action<WebhookReceiverOptions>? configure = null, bool withOptions = false, TimeProvider? clock = null,
        Action<WebApplication>? pipeline = null) => TestApp.StartAsync(
        options =>
        {
            if (!withOptions) options.Secrets.Clear();
            configure?.Invoke(options);
        },
        builder => builder.AddSecretProvider((_, cancellationToken) => _vault.GetSecretsAsync(TestApp.Source, cancellationToken)),
        memory: true,
        pipeline: pipeline,
        services: services =>
        {
            if (clock is not null) services.AddSingleton(clock);
        });

    private static WebhookSecretOptions Of(string id, WebhookSecret secret) => new() { Id = id, Value = secret.Reveal() };

    private static HttpRequestMessage Request(long seq, WebhookSecret secret, TimeProvider? clock = null)
    {
        var one = Sent.Event(seq);
        return TestApp.Request(one.Id, one.Body, secret, clock?.GetUtcNow());
    }

    private static async Task<int> SendAsync(TestApp app, long seq, WebhookSecret secret, TimeProvider? clock = null)
    {
        using var response = await app.SendAsync(Request(seq, secret, clock));
        return (int)response.StatusCode;
    }

    /// <summary>A body that comes when the gate opens.</summary>
    private sealed class GatedBody(IRequestBodyPipeFeature body, TaskCompletionSource entered, Task gate) : PipeReader, IRequestBodyPipeFeature
    {
        public PipeReader Reader => this;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            entered.TrySetResult();
            await gate.WaitAsync(cancellationToken);
            return await body.Reader.ReadAsync(cancellationToken);
        }

        public override void AdvanceTo(SequencePosition consumed) => body.Reader.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => body.Reader.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => body.Reader.CancelPendingRead();

        public override void Complete(Exception? exception = null) => body.Reader.Complete(exception);

        public override bool TryRead(out ReadResult result)
        {
            result = default;
            return gate.IsCompleted && body.Reader.TryRead(out result);
        }
    }

    private sealed class Vault : IWebhookSecretProvider
    {
        private int _calls, _now, _atOnce;

        public IReadOnlyList<WebhookSecretOptions> Given { get; set; } = [];

        public Exception? Failure { get; set; }

        /// <summary>Kept shut, nobody gets an answer.</summary>
        public TaskCompletionSource? Gate { get; set; }

        public TaskCompletionSource Entered { get; } = new();

        public int Calls => _calls;

        /// <summary>How many were in it at the same time at most.</summary>
        public int AtOnce => _atOnce;

        public async ValueTask<IReadOnlyList<WebhookSecretOptions>> GetSecretsAsync(string source, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _calls);
            _atOnce = Math.Max(_atOnce, Interlocked.Increment(ref _now));
            // Deaf to its token, as some are.
            if (Gate is { } gate)
            {
                Entered.TrySetResult();
                await gate.Task;
            }

            Interlocked.Decrement(ref _now);
            return Failure is { } failure ? throw failure : Given;
        }
    }
}
