using System.Net;
using System.Net.Sockets;

namespace Webhooks.Dispatcher.Sending;

/// <summary>
/// Tries several addresses, each a moment after the one before or as soon as that has failed (RFC 8305): one that is cut off costs a moment
/// and not the whole time for connecting.
/// </summary>
internal static class AddressRace
{
    /// <summary>How long an address has before the next is tried beside it.</summary>
    public static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(250);

    /// <summary>A name may have thousands of addresses; so many are tried.</summary>
    public const int Most = 6;

    /// <summary>The two families by turns, beginning with the first address's, each in the order given.</summary>
    public static IPAddress[] Order(IReadOnlyList<IPAddress> addresses)
    {
        var first = addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily).ToArray();
        var second = addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily).ToArray();
        return [.. Enumerable.Range(0, Math.Max(first.Length, second.Length)).SelectMany(i => first.Skip(i).Take(1).Concat(second.Skip(i).Take(1))).Take(Most)];
    }

    /// <summary>The first connection that is made; the others are given up.</summary>
    /// <exception cref="ConnectFailure">None was made, with what became of each.</exception>
    public static async Task<T> FirstAsync<T>(
        IPAddress[] addresses, Func<IPAddress, CancellationToken, Task<T>> connect, TimeSpan within, TimeProvider time, CancellationToken cancel) where T : IDisposable
    {
        using var limit = new CancellationTokenSource(within, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        var running = new Dictionary<Task<T>, IPAddress>();
        var failed = new List<(IPAddress Address, Exception Why)>();
        try
        {
            for (var next = 0; next < addresses.Length || running.Count > 0;)
            {
                if (next < addresses.Length) running.Add(connect(addresses[next], over.Token), addresses[next++]);
                var done = await NextAsync(running.Keys, next < addresses.Length ? time : null, over.Token);
                if (done is null) continue;
                running.Remove(done, out var address);
                if (done.IsCompletedSuccessfully) return await done;
                failed.Add((address!, done.Exception?.InnerException ?? new TimeoutException()));
            }

            cancel.ThrowIfCancellationRequested();
            throw Failure(failed, within);
        }
        finally
        {
            await over.CancelAsync();
            foreach (var late in running.Keys) _ = DropAsync(late);
        }
    }

    /// <summary>What has ended; null when it is time for the next address.</summary>
    private static async Task<Task<T>?> NextAsync<T>(IEnumerable<Task<T>> running, TimeProvider? time, CancellationToken cancel)
    {
        var any = Task.WhenAny(running);
        if (time is null) return await any;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var stagger = Task.Delay(Stagger, time, enough.Token);
        if (await Task.WhenAny(any, stagger) == any)
        {
            await enough.CancelAsync();
            return await any;
        }

        // Out of time, the attempts end by themselves at the same moment.
        return stagger.IsCanceled ? await any : null;
    }

    private static async Task DropAsync<T>(Task<T> late) where T : IDisposable
    {
        await ((Task)late).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (late.IsCompletedSuccessfully) (await late).Dispose();
        else _ = late.Exception;
    }

    /// <summary>A refusal says more than silence, and silence more than having no way there.</summary>
    private static ConnectFailure Failure(List<(IPAddress Address, Exception Why)> failed, TimeSpan within)
    {
        var best = failed.MaxBy(one => Weight(one.Why)).Why;
        var each = string.Join("; ", failed.Select(one => $"{one.Address}: {(IsSilence(one.Why) ? $"no answer within {within.TotalSeconds:0.#} s" : one.Why.Message)}"));
        return new ConnectFailure(IsSilence(best) ? AttemptOutcome.ConnectTimedOut : AttemptOutcome.ConnectFailed, $"No connection ({each}).", best);
    }

    private static int Weight(Exception why) =>
        IsSilence(why) ? 1
        : why is SocketException { SocketErrorCode: SocketError.NetworkUnreachable or SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable } ? 0
        : 2;

    private static bool IsSilence(Exception why) =>
        why is TimeoutException or OperationCanceledException or SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.OperationAborted };
}
