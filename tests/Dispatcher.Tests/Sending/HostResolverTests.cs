using System.Collections.Concurrent;
using System.Net;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>Promise 9, for names: a name server that does not answer keeps nobody waiting but those who ask it.</summary>
public class HostResolverTests
{
    [Theory]
    [InlineData("localhost")]
    [InlineData("LocalHost.")]
    [InlineData("a.b.localhost")]
    public async Task Resolve_Localhost_IsLoopbackAndAsksNobody(string name)
    {
        using var resolver = new HostResolver(_ => throw new InvalidOperationException(), TimeProvider.System);
        Assert.Equal([IPAddress.Loopback, IPAddress.IPv6Loopback], await resolver.ResolveAsync(name, default));
    }

    [Fact]
    public async Task Resolve_Literal_AsksNobody()
    {
        using var resolver = new HostResolver(_ => throw new InvalidOperationException(), TimeProvider.System);
        Assert.Equal([IPAddress.Parse("2606:4700::1")], await resolver.ResolveAsync("2606:4700::1", default));
    }

    [Fact]
    public async Task Resolve_NamesThatHang_LeavePoolAndOtherNamesAlone()
    {
        using var release = new ManualResetEventSlim();
        var asked = new ConcurrentQueue<string>();
        IPAddress[] LookUp(string host)
        {
            asked.Enqueue(host);
            Assert.False(Thread.CurrentThread.IsThreadPoolThread);
            if (host.StartsWith("hangs", StringComparison.Ordinal)) release.Wait();
            return [IPAddress.Loopback];
        }

        using var resolver = new HostResolver(LookUp, TimeProvider.System);
        var hanging = Enumerable.Range(0, HostResolver.Places / 2).Select(i => $"hangs{i}.example").ToArray();
        using var given = new CancellationTokenSource();
        var waiting = hanging.SelectMany(name => Enumerable.Range(0, 4).Select(_ => resolver.ResolveAsync(name, given.Token))).ToArray();
        Assert.Equal([IPAddress.Loopback], await resolver.ResolveAsync("answers.example", default).WaitAsync(TimeSpan.FromSeconds(60)));

        await Platform.UntilAsync(() => Task.FromResult(asked.Count == hanging.Length + 1), "all are being looked up");
        // One look-up for a name, however many ask; who gives up is let go at once, though the look-up itself goes on.
        await given.CancelAsync();
        foreach (var one in waiting) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        Assert.Equal(hanging.Length + 1, asked.Count);
        release.Set();
    }

    [Fact]
    public async Task Resolve_NamesThatWereSlow_GetOnlyAFewPlaces()
    {
        using var release = new SemaphoreSlim(0);
        var (now, most) = (0, 0);
        var clock = new Webhooks.Testing.ManualTimeProvider();
        var gate = new object();
        IPAddress[] LookUp(string host)
        {
            lock (gate) most = Math.Max(most, ++now);
            release.Wait();
            lock (gate) now--;
            return [IPAddress.Loopback];
        }

        using var resolver = new HostResolver(LookUp, clock);
        var names = Enumerable.Range(0, HostResolver.SlowPlaces * 3).Select(i => $"slow{i}.example").ToArray();
        var first = Task.WhenAll(names.Select(name => resolver.ResolveAsync(name, default)));
        await Platform.UntilAsync(() => Task.FromResult(Volatile.Read(ref now) == names.Length), "all are being looked up");
        clock.Advance(TimeSpan.FromSeconds(2));
        release.Release(names.Length);
        await first;

        most = 0;
        var second = Task.WhenAll(names.Select(name => resolver.ResolveAsync(name, default)));
        await Platform.UntilAsync(() => Task.FromResult(Volatile.Read(ref now) == HostResolver.SlowPlaces), "as many as may are being looked up");
        release.Release(names.Length);
        await second;
        Assert.Equal(HostResolver.SlowPlaces, most);
    }

    [Fact]
    public async Task Resolve_Fails_IsAskedAnewNextTime()
    {
        var times = 0;
        using var resolver = new HostResolver(
            _ => ++times == 1 ? throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.TryAgain) : [IPAddress.Loopback], TimeProvider.System);
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => resolver.ResolveAsync("example.com", default));
        Assert.Equal([IPAddress.Loopback], await resolver.ResolveAsync("example.com", default));
    }
}
