using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>The numbers an operator's alarms hang on.</summary>
public sealed class MetricsTests
{
    private readonly ConcurrentDictionary<string, double> _sums = new();
    private readonly ConcurrentDictionary<string, double> _last = new();

    [Fact]
    public async Task Metrics_CountWhatHappened_WithBoundedTags()
    {
        await using var feed = await FeedServer.StartAsync(1);
        await using var app = await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint, options.HandlerMaxAttempts) = (feed.Address, Sent.Endpoint, 2),
            builder => builder.Handle("order.changed", (one, _, _) =>
                one.Seq == 5 ? throw new InvalidOperationException("broken") : Task.CompletedTask));
        using var listener = Listen((IMeterFactory)app.Services.GetService(typeof(IMeterFactory))!);
        await app.UntilProcessedAsync(1);
        feed.Add(2, 4);
        Assert.Equal(204, await app.DeliverAsync(2));
        Assert.Equal(204, await app.DeliverAsync(2));
        Assert.Equal(204, await app.DeliverAsync(4, type: "never.registered"));
        using (var response = await app.SendAsync(TestApp.Request("evt_1_9", Sent.Event(9).Body, WebhookSecret.Generate())))
            Assert.Equal(401, (int)response.StatusCode);
        await app.UntilProcessedAsync(4);
        Assert.Equal(204, await app.DeliverAsync(5));
        await Wait.UntilAsync(async () => (await app.StreamAsync()).IsBlocked && _last.GetValueOrDefault("webhooks.receiver.blocked source=acme") == 1);

        Assert.Equal(3, Sum("requests outcome=stored"));
        Assert.Equal(1, Sum("requests outcome=duplicate"));
        Assert.Equal(1, Sum("requests outcome=no_matching_signature"));
        Assert.Equal(4, Sum("signature.matched secret_id=k1"));
        Assert.Equal(1, Sum("duplicates"));
        Assert.Equal((1, 1), (Sum("gaps.opened"), Sum("gaps.closed")));
        Assert.Equal(1, Sum("processed how=unhandled"));
        Assert.Equal(2, Sum("handler.failures type=order.changed"));
        Assert.Equal(1, _last["webhooks.receiver.lag source=acme"]);
        Assert.DoesNotContain(_sums.Keys, key => key.Contains("never.registered", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metrics_OfABatch_CountItsEvents_AndItOnceAsARequest()
    {
        await using var app = await TestApp.StartAsync();
        using var listener = Listen(app.Services.GetRequiredService<IMeterFactory>());
        Assert.Equal(204, await app.DeliverAsync(Sent.Batch(1, 5)));
        Assert.Equal(204, await app.DeliverAsync(Sent.Batch(4, 8)));
        Assert.Equal(204, await app.DeliverAsync(Sent.Batch(4, 6)));
        Assert.Equal((2, 1), (Sum("requests outcome=stored"), Sum("requests outcome=duplicate")));
        Assert.Equal((8, 5), (Sum("received"), Sum("duplicates")));
        Assert.Equal(3, Sum("signature.matched secret_id=k1"));
    }

    /// <summary>By which one sees that the old one is out of use, wherever the secrets come from.</summary>
    [Fact]
    public async Task Matched_OfAProvidedSecret_IsCountedUnderItsId_OrItsFingerprint()
    {
        var (old, next) = (WebhookSecret.Generate(), WebhookSecret.Generate());
        await using var app = await TestApp.StartAsync(options => options.Secrets.Clear(), memory: true, handlers: builder => builder.AddSecretProvider((_, _) =>
            ValueTask.FromResult<IReadOnlyList<WebhookSecretOptions>>([new() { Value = next.Reveal() }, new() { Id = "old", Value = old.Reveal() }])));
        using var listener = Listen(app.Services.GetRequiredService<IMeterFactory>());
        foreach (var (seq, secret) in new[] { (1L, old), (2L, next), (3L, next) })
        {
            var one = Sent.Event(seq);
            using var response = await app.SendAsync(TestApp.Request(one.Id, one.Body, secret));
            Assert.Equal(204, (int)response.StatusCode);
        }

        Assert.Equal((1, 2), (Sum("signature.matched secret_id=old"), Sum($"signature.matched secret_id={next.Fingerprint}")));
        Assert.Equal(3, Sum("signature.matched"));
    }

    private int Sum(string name) => (int)_sums.Where(one => one.Key.StartsWith("webhooks.receiver." + name.Split(' ')[0] + " ", StringComparison.Ordinal)
        && one.Key.EndsWith(name.Split(' ')[^1], StringComparison.Ordinal) | !name.Contains(' ', StringComparison.Ordinal)).Sum(one => one.Value);

    private MeterListener Listen(IMeterFactory factory)
    {
        var listener = new MeterListener
        {
            // Only this application's: others run beside it.
            InstrumentPublished = (instrument, it) =>
            {
                if (instrument.Meter.Name == ReceiverMetrics.Name && ReferenceEquals(instrument.Meter.Scope, factory)) it.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var key = instrument.Name + " " + string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
            _sums.AddOrUpdate(key, value, (_, sum) => sum + value);
            _last[key] = value;
        });
        listener.Start();
        return listener;
    }
}
