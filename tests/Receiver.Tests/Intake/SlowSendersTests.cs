using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace Webhooks.Receiver.Tests;

/// <summary>
/// Senders that state a mebibyte and then take their time: memory stays within its bounds, and others are served. Two thousand unless
/// WEBHOOKS_SLOW_SENDERS says otherwise; each takes two of this process's file handles.
/// </summary>
[Collection("alone")]
public sealed class SlowSendersTests(ITestOutputHelper output)
{
    private const int Stated = 1024 * 1024;
    private const int Budget = 16 * 1024 * 1024;

    /// <summary>What one slow sender may cost beside its body: a connection of the server, and here its other end too.</summary>
    private const int PerConnection = 32 * 1024;

    private static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("WEBHOOKS_SLOW_SENDERS") ?? "2000", CultureInfo.InvariantCulture);

    [Fact]
    public async Task SlowSenders_OfLargeBodies_TakeBoundedMemory_AndOthersAreServed()
    {
        await using var app = await TestApp.StartAsync(
            options => (options.BodyTimeout, options.MaxBufferedBytes) = (TimeSpan.FromMinutes(5), Budget), memory: true,
            // The server's own limit would cut them off after five seconds; here it is the receiver that has to cope.
            services: services => services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MinRequestBodyDataRate = null));
        var bodies = app.Services.GetRequiredService<ReceiverRegistry>().Get(TestApp.Source).Bodies;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var slow = new List<Socket>();
        try
        {
            // One in ten has sent enough to need room that not all of them can have: the rest of these are sent away.
            for (var i = 0; i < Count; i++) slow.Add(await BeginAsync(app.Address, i % 10 == 0 ? 100_000 : 4_000));
            var large = Count / 10;
            var fits = Math.Min(large, Budget / (128 * 1024));
            await Wait.UntilAsync(() => Task.FromResult(bodies.Open == Count - large + fits));

            var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
            Assert.InRange(bodies.Drawn, 0, Budget);
            Assert.InRange(grown, 0, (2L * Budget) + ((long)Count * (PerConnection + BodyBudget.Small)));

            var watch = Stopwatch.StartNew();
            var slowest = TimeSpan.Zero;
            for (var seq = 1; seq <= 200; seq++)
            {
                var began = watch.Elapsed;
                Assert.Equal(204, await app.DeliverAsync(seq));
                slowest = watch.Elapsed - began > slowest ? watch.Elapsed - began : slowest;
            }

            Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(60));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Count} slow senders, {bodies.Open} held, {large - fits} sent away: {grown / 1024 / 1024} MiB more heap, {bodies.Drawn / 1024 / 1024} MiB drawn, working set {Environment.WorkingSet / 1024 / 1024} MiB; 200 others in {watch.ElapsedMilliseconds} ms, the slowest {slowest.TotalMilliseconds:0} ms"));
        }
        finally
        {
            slow.ForEach(socket => socket.Dispose());
        }

        await Wait.UntilAsync(() => Task.FromResult((bodies.Open, bodies.Drawn) == (0, 0)));
    }

    [Fact]
    public async Task LargeBodies_AsManyAsFit_AreAllTaken()
    {
        await using var app = await TestApp.StartAsync(memory: true);
        var frame = Sent.Event(1, data: "\"\"").Body.Length;
        var answers = await Task.WhenAll(Enumerable.Range(1, 32).Select(seq =>
            app.DeliverAsync(seq, data: $"\"{new string('x', Stated - frame - 2)}\"")));
        Assert.All(answers, status => Assert.Equal(204, status));
    }

    [Fact]
    public async Task LargeBody_WithoutRoom_Answers503_AndASmallOneIsTaken()
    {
        await using var app = await TestApp.StartAsync(options => (options.MaxBodyBytes, options.MaxBufferedBytes) = (64 * 1024, 128 * 1024), memory: true);
        var bodies = app.Services.GetRequiredService<ReceiverRegistry>().Get(TestApp.Source).Bodies;
        using var holder = new ReceivedBody(bodies, 128 * 1024);
        Assert.True(holder.TryAppend(new(new byte[100_000])));
        var one = Sent.Event(1, data: $"\"{new string('x', 40_000)}\"");
        using (var response = await app.SendAsync(TestApp.Request(one.Id, one.Body)))
            Assert.Equal((503, true), ((int)response.StatusCode, response.Headers.RetryAfter is not null));
        Assert.Equal(204, await app.DeliverAsync(2));
        holder.Dispose();
        Assert.Equal(204, await app.DeliverAsync(one));
        Assert.Equal((0, 0), (bodies.Open, bodies.Drawn));
    }

    [Fact]
    public async Task StatedLength_TakesNoMemoryUntilItComes()
    {
        await using var app = await TestApp.StartAsync(memory: true);
        var bodies = app.Services.GetRequiredService<ReceiverRegistry>().Get(TestApp.Source).Bodies;
        using var socket = await BeginAsync(app.Address, 0);
        await Wait.UntilAsync(() => Task.FromResult(bodies.Open == 1));
        Assert.Equal(0, bodies.Drawn);
    }

    /// <summary>Sends a head that states a mebibyte, and so many bytes of it.</summary>
    private static async Task<Socket> BeginAsync(Uri address, int bytes)
    {
        var one = Sent.Event(1);
        using var signed = TestApp.Request(one.Id, one.Body);
        var head = new StringBuilder($"POST /hooks/acme HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Stated}\r\n");
        foreach (var (name, values) in signed.Headers) head.Append(name).Append(": ").Append(values.Single()).Append("\r\n");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
        if (bytes > 0) await socket.SendAsync(new byte[bytes]);
        return socket;
    }
}

/// <summary>Tests that measure the process they run in.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;
