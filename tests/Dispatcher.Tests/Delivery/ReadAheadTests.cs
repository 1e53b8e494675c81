using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

public class ReadAheadTests
{
    /// <summary>A pump that lost its endpoint and the one that follows may read in the same batch: each gets what it asked for.</summary>
    [Fact]
    public async Task Read_SameEndpointTwiceInOneBatch_EachGetsItsOwn()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var lease = await LeaseAsync(platform, 5);
        var reads = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => platform.Get<ReadAhead>().ReadAsync(lease, i % 6, 0, 2, default)));
        Assert.All(reads.Index(), it => Assert.Equal(
            Enumerable.Range((it.Index % 6) + 1, 2).Where(seq => seq <= 5).Select(seq => (long)seq), it.Item.Items.Select(item => item.Seq)));
    }

    /// <summary>What was just numbered is not read back: only what is missing before and among it. Small pieces are read again rather than asked for one by one.</summary>
    [Fact]
    public async Task Offer_WithHoles_ReadsThoseAndNoMore()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (gate, reader) = (new Lock(), platform.Get<ReadAhead>());
        var buffer = new AheadBuffer(await LeaseAsync(platform, 300, "\"read\""), reader, 64, gate, TimeProvider.System);

        Offer(Enumerable.Range(3, 198).Where(seq => seq is not 5 and not 100), 200);
        Assert.Equal((5, 94), await FillAsync(1, 99));
        Assert.Equal((1, 100), await FillAsync(100, 200));
        // As when another process numbers every other event.
        Offer(Enumerable.Range(201, 60).Where(seq => seq % 2 == 0), 260);
        Assert.Equal((59, 1), await FillAsync(201, 260));
        await buffer.DiscardAsync();
        Assert.Equal(0, reader.HeldBytes);

        void Offer(IEnumerable<int> seqs, long head) => buffer.Offer(
            [.. seqs.Select(seq => new DeliveryItem(seq, Guid.NewGuid(), "a", DateTimeOffset.UtcNow, "\"offered\""u8.ToArray()))], head);

        async Task<(int Read, int Offered)> FillAsync(int first, int last)
        {
            Assert.True(await buffer.FillAsync(TimeSpan.FromSeconds(30), default));
            var got = new List<DeliveryItem>();
            lock (gate)
                while (buffer.Count > 0) got.Add(buffer.Take());
            Assert.Equal(Enumerable.Range(first, last - first + 1).Select(seq => (long)seq), got.ConvertAll(item => item.Seq));
            return (got.Count(item => item.Data.Length == 6), got.Count(item => item.Data.Length == 9));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Offer_InAnyPiecesAndWhileReading_GivesAllInOrder(int seed)
    {
        const int Events = 400;
        await using var platform = await Platform.StartAsync(worker: false);
        var lease = await LeaseAsync(platform, Events, "\"read\"");
        var (random, gate, reader) = (new Random(seed), new Lock(), platform.Get<ReadAhead>());
        // Each fifth, about, is not at hand; for the first hundred nothing is.
        var atHand = Enumerable.Range(101, Events - 100).Where(_ => random.Next(5) > 0).ToHashSet();
        var buffer = new AheadBuffer(lease, reader, 64, gate, TimeProvider.System);
        var got = new List<DeliveryItem>();
        var offered = 100;
        Task<bool>? filling = null;
        while (got.Count < Events)
        {
            filling ??= buffer.FillAsync(TimeSpan.FromMilliseconds(20), default);
            // While the read is under way, or after it.
            if (random.Next(2) == 0) await filling;
            if (offered < Events && got.Count > offered - 200)
            {
                var last = Math.Min(Events, offered + random.Next(1, 40));
                var items = Enumerable.Range(offered + 1, last - offered).Where(atHand.Contains)
                    .Select(seq => new DeliveryItem(seq, Guid.NewGuid(), "a", DateTimeOffset.UtcNow, "\"offered\""u8.ToArray())).ToList();
                buffer.Offer(items, last);
                offered = last;
            }

            if (!filling.IsCompleted) continue;
            await filling;
            filling = null;
            lock (gate)
                while (buffer.Count > 0) got.Add(buffer.Take());
        }

        if (filling is not null)
        {
            buffer.Wake();
            await filling;
        }

        Assert.Equal(Enumerable.Range(1, Events).Select(seq => (long)seq), got.ConvertAll(item => item.Seq));
        var (fromOffer, fromDatabase) = (got.Count(item => item.Data.Length == 9), got.Count(item => item.Data.Length == 6));
        Assert.Equal(Events, fromOffer + fromDatabase);
        Assert.InRange(fromOffer, 1, atHand.Count);
        await buffer.DiscardAsync();
        Assert.Equal(0, reader.HeldBytes);
    }

    /// <summary>What is offered behind numbers that are not to be had, of a stream whose epoch was raised, is neither given nor asked for without end.</summary>
    [Fact]
    public async Task Offer_WhatLiesBeforeIsNotToBeHad_IsForgotten()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var lease = await LeaseAsync(platform, 1);
        await platform.ExecuteAsync("UPDATE webhooks.stream SET epoch = epoch + 1");
        var reader = platform.Get<ReadAhead>();
        var buffer = new AheadBuffer(lease, reader, 64, new Lock(), TimeProvider.System);
        buffer.Offer([new DeliveryItem(3, Guid.NewGuid(), "a", DateTimeOffset.UtcNow, "1"u8.ToArray())], 3);
        Assert.Equal(1, reader.HeldBytes);
        Assert.False(await buffer.FillAsync(TimeSpan.FromSeconds(30), default));
        Assert.False(await buffer.FillAsync(TimeSpan.FromSeconds(30), default));
        Assert.Equal((0, 0, false), (reader.HeldBytes, buffer.Count, buffer.MayRead));
    }

    /// <summary>Memory for a handful of what was just published, and more published than can be sent: all come, once and in order.</summary>
    [Fact]
    public async Task Deliver_MostOfWhatWasPublishedIsNotAtHandAnyMore_ComesInOrder()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options => options.Publishing.FreshBytes = 16 * 2500);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await Task.WhenAll(Enumerable.Range(0, 3000).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 3000);
        Assert.Equal(
            Enumerable.Range(1, 3000).Select(seq => (long)seq),
            receiver.Requests.Select(request => System.Text.Json.JsonDocument.Parse(request.Text).RootElement.GetProperty("seq").GetInt64()));
    }

    /// <summary>A stream with a long way to go before what was offered reads on, and holds no memory for that.</summary>
    [Fact]
    public async Task Offer_FarFromWhatIsSent_IsNotTaken()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var lease = await LeaseAsync(platform, 1);
        var reader = platform.Get<ReadAhead>();
        var buffer = new AheadBuffer(lease, reader, 64, new Lock(), TimeProvider.System);
        buffer.Offer([new DeliveryItem(1000, Guid.NewGuid(), "a", DateTimeOffset.UtcNow, "1"u8.ToArray())], 1000);
        Assert.Equal(0, reader.HeldBytes);
        Assert.True(await buffer.FillAsync(TimeSpan.FromSeconds(30), default));
        Assert.Equal((1, 2), (buffer.Count, reader.HeldBytes));
    }

    /// <summary>Takes the stream of a new endpoint that has so many events, numbered and not sent.</summary>
    private static async Task<EndpointLease> LeaseAsync(Platform platform, int events, string data = "{}")
    {
        var (application, _) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await Task.WhenAll(Enumerable.Range(0, events).Select(_ => platform.PublishAsync(application, data)));
        while ((await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default)).Events > 0) { }
        return Assert.Single(await platform.ClaimAsync(1));
    }
}
