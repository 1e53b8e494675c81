using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Statistics;

/// <summary>
/// What this process counts of its endpoints until it is written down (<see cref="StatisticsWriter"/>). In memory alone: an attempt that goes well must cost no statement,
/// and a count that is lost with the process is one in the statistics, never an event.
/// </summary>
internal sealed class EndpointTallies(DatabaseClock clock, IOptions<WebhookDispatcherOptions> options)
{
    private readonly ConcurrentDictionary<long, EndpointTally> _tallies = new();
    private int _count;
    private long _uncounted;

    /// <summary>Counts an attempt, in the minute in which it ended.</summary>
    public void Attempted(long endpoint, AttemptResult result)
    {
        var minute = (result.StartedAt + result.Duration).UtcTicks / TimeSpan.TicksPerMinute;
        var microseconds = result.Duration.Ticks / TimeSpan.TicksPerMicrosecond;
        while (Find(endpoint) is { } tally)
        {
            if (tally.Attempted(minute, result.Outcome, microseconds)) return;
            Remove(endpoint, tally);
        }
    }

    /// <summary>Counts events that were settled just now.</summary>
    public void Settled(long endpoint, string outcome, long events)
    {
        if (events <= 0) return;
        var minute = clock.Now.UtcTicks / TimeSpan.TicksPerMinute;
        while (Find(endpoint) is { } tally)
        {
            if (tally.Settled(minute, outcome, events)) return;
            Remove(endpoint, tally);
        }
    }

    /// <summary>Takes all that was counted; of an endpoint of which nothing was, nothing is kept in memory.</summary>
    public List<TalliedMinute> Take()
    {
        var taken = new List<TalliedMinute>();
        foreach (var (endpoint, tally) in _tallies)
            if (tally.Take(taken)) Remove(endpoint, tally);
        return taken;
    }

    /// <summary>How often something was not counted since this was last asked, because there were too many endpoints.</summary>
    public long TakeUncounted() => Interlocked.Exchange(ref _uncounted, 0);

    private EndpointTally? Find(long endpoint)
    {
        if (_tallies.TryGetValue(endpoint, out var tally)) return tally;
        if (Volatile.Read(ref _count) >= options.Value.Statistics.MaxEndpoints)
        {
            Interlocked.Increment(ref _uncounted);
            return null;
        }

        var fresh = new EndpointTally(endpoint);
        tally = _tallies.GetOrAdd(endpoint, fresh);
        if (tally == fresh) Interlocked.Increment(ref _count);
        return tally;
    }

    private void Remove(long endpoint, EndpointTally closed)
    {
        if (_tallies.TryRemove(new KeyValuePair<long, EndpointTally>(endpoint, closed))) Interlocked.Decrement(ref _count);
    }
}
