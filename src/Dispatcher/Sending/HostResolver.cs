using System.Collections.Concurrent;
using System.Net;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Looks a name up; throws a <see cref="System.Net.Sockets.SocketException"/> when it has no address.</summary>
internal delegate IPAddress[] LookUp(string host);

/// <summary>
/// The platform's resolver, held in check. It blocks a thread for as long as a name server takes, and cannot be cancelled: so look-ups run on threads of
/// their own, one for a name at a time, and names that were slow get only a few of the places, so that they keep no other name waiting.
/// </summary>
internal sealed class HostResolver(LookUp lookUp, TimeProvider time) : IDisposable
{
    public const int Places = 64;
    public const int SlowPlaces = 8;
    private const int MostSlowNames = 10_000;
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Lazy<Task<IPAddress[]>>> _running = new();
    private readonly ConcurrentDictionary<string, bool> _slow = new();
    private readonly SemaphoreSlim _places = new(Places);
    private readonly SemaphoreSlim _slowPlaces = new(SlowPlaces);

    /// <summary>The addresses of a name or an address, in the order in which to try them.</summary>
    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancel)
    {
        if (IPAddress.TryParse(host, out var literal)) return Task.FromResult<IPAddress[]>([literal]);
        var name = host.TrimEnd('.').ToLowerInvariant();
        // RFC 6761: not a matter for DNS, where somebody else might answer.
        if (IsLocalhost(name)) return Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.IPv6Loopback]);
        // With its dot, if it has one: it keeps the search list of the machine out of it.
        return _running.GetOrAdd(host, key => new(() => RunAsync(key))).Value.WaitAsync(cancel);
    }

    public static bool IsLocalhost(string name) => name is "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal);

    public void Dispose()
    {
        // The places are left to the collector: a look-up that nobody waits for any more may still come to give its place back.
    }

    private async Task<IPAddress[]> RunAsync(string host)
    {
        // Not before the table holds it, or it would stay there.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var places = _slow.ContainsKey(host) ? _slowPlaces : _places;
        await places.WaitAsync();
        var began = time.GetTimestamp();
        try
        {
            return await Task.Factory.StartNew(
                () => lookUp(host), CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }
        finally
        {
            places.Release();
            if (time.GetElapsedTime(began) < Slow) _slow.TryRemove(host, out _);
            else if (_slow.Count < MostSlowNames) _slow[host] = true;
            _running.TryRemove(host, out _);
        }
    }
}
