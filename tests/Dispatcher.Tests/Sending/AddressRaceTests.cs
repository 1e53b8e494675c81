using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>An address that is cut off must not use up the time there is for connecting (RFC 8305).</summary>
public class AddressRaceTests
{
    private static readonly IPAddress A = IPAddress.Parse("2606:4700::1");
    private static readonly IPAddress B = IPAddress.Parse("198.51.100.1");
    private static readonly IPAddress C = IPAddress.Parse("2606:4700::2");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public void Order_TwoFamilies_ByTurnsAndBounded()
    {
        Assert.Equal([A, B, C], AddressRace.Order([A, C, B]));
        Assert.Equal([B, A, C], AddressRace.Order([B, A, C]));
        Assert.Equal(AddressRace.Most, AddressRace.Order([.. Enumerable.Range(1, 1000).Select(i => new IPAddress([8, 8, (byte)(i / 250), (byte)i]))]).Length);
    }

    [Fact]
    public async Task Race_FirstIsBlackHoled_TheNextBeginsAfterAMoment()
    {
        var clock = new ManualTimeProvider();
        var net = new Network();
        var race = AddressRace.FirstAsync([A, B], net.ConnectAsync, Limit, clock, default);
        await clock.WaitForTimersAsync(2);
        Assert.Equal([A], net.Tried);
        clock.Advance(AddressRace.Stagger);
        await net.WaitForAsync(2);
        net.Answer(B);
        Assert.Equal(B, (await race).Address);
        // The other is given up, and closed should it come about all the same.
        await net.GivenUpAsync(A);
        Assert.Equal(AddressRace.Stagger, clock.GetElapsedTime(0));
    }

    [Fact]
    public async Task Race_FirstFails_TheNextBeginsAtOnce()
    {
        var clock = new ManualTimeProvider();
        var net = new Network();
        var race = AddressRace.FirstAsync([A, B], net.ConnectAsync, Limit, clock, default);
        net.Fail(A, SocketError.NetworkUnreachable);
        await net.WaitForAsync(2);
        net.Answer(B);
        Assert.Equal(B, (await race).Address);
        Assert.Equal(TimeSpan.Zero, clock.GetElapsedTime(0));
    }

    [Fact]
    public async Task Race_TheSlowFirstAnswersBeforeTheSecond_Wins()
    {
        var clock = new ManualTimeProvider();
        var net = new Network();
        var race = AddressRace.FirstAsync([A, B], net.ConnectAsync, Limit, clock, default);
        await clock.WaitForTimersAsync(2);
        clock.Advance(AddressRace.Stagger);
        await net.WaitForAsync(2);
        net.Answer(A);
        Assert.Equal(A, (await race).Address);
        await net.GivenUpAsync(B);
    }

    [Theory]
    [InlineData(SocketError.NetworkUnreachable, SocketError.ConnectionRefused, "connect_failed", "refused")]
    [InlineData(SocketError.NetworkUnreachable, null, "connect_timed_out", "no answer")]
    [InlineData(SocketError.ConnectionRefused, null, "connect_failed", "refused")]
    [InlineData(SocketError.TimedOut, SocketError.NetworkUnreachable, "connect_timed_out", "no answer")]
    [InlineData(null, null, "connect_timed_out", "no answer")]
    public async Task Race_AllFail_KeepsTheCauseThatSaysMost(SocketError? first, SocketError? second, string outcome, string says)
    {
        var clock = new ManualTimeProvider();
        var net = new Network();
        var race = AddressRace.FirstAsync([A, B], net.ConnectAsync, Limit, clock, default);
        if (first is { } one) net.Fail(A, one);
        else await AdvanceAsync(AddressRace.Stagger);
        await net.WaitForAsync(2);
        if (second is { } two) net.Fail(B, two);
        else await AdvanceAsync(Limit);
        var failure = await Assert.ThrowsAsync<ConnectFailure>(() => race);
        Assert.Equal(outcome, failure.Outcome.Word());
        Assert.Contains(says, failure.Message);
        Assert.Contains(A.ToString(), failure.Message);
        Assert.Contains(B.ToString(), failure.Message);

        async Task AdvanceAsync(TimeSpan by)
        {
            if (by == AddressRace.Stagger) await clock.WaitForTimersAsync(2);
            clock.Advance(by);
        }
    }

    [Fact]
    public async Task Race_GivenUpByTheCaller_IsCancelled()
    {
        using var cancel = new CancellationTokenSource();
        var net = new Network();
        var race = AddressRace.FirstAsync([A], net.ConnectAsync, Limit, new ManualTimeProvider(), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => race);
    }

    private sealed class Network
    {
        private readonly ConcurrentDictionary<IPAddress, TaskCompletionSource<Connection>> _attempts = new();
        private readonly ConcurrentDictionary<IPAddress, bool> _givenUp = new();
        private readonly ConcurrentQueue<IPAddress> _tried = new();

        public IPAddress[] Tried => [.. _tried];

        public Task<Connection> ConnectAsync(IPAddress address, CancellationToken cancel)
        {
            _tried.Enqueue(address);
            var attempt = _attempts[address] = new(TaskCreationOptions.RunContinuationsAsynchronously);
            cancel.Register(() =>
            {
                _givenUp[address] = true;
                attempt.TrySetCanceled(cancel);
            });
            return attempt.Task;
        }

        public void Answer(IPAddress address) => _attempts[address].SetResult(new Connection(address));

        public void Fail(IPAddress address, SocketError error) => _attempts[address].SetException(new SocketException((int)error));

        public Task WaitForAsync(int attempts) => Platform.UntilAsync(() => Task.FromResult(Tried.Length == attempts), $"{attempts} addresses are tried");

        public Task GivenUpAsync(IPAddress address) => Platform.UntilAsync(() => Task.FromResult(_givenUp.ContainsKey(address)), $"{address} is given up");
    }

    private sealed record Connection(IPAddress Address) : IDisposable
    {
        public void Dispose() { }
    }
}
