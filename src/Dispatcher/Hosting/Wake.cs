using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Nodes;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>What travels on the NOTIFY channel.</summary>
internal static class WakeMessages
{
    /// <summary>Events were committed, in any bucket; or in those whose numbers follow, after a colon and with commas.</summary>
    public const string Published = "published";

    /// <summary>Endpoints are due that a node leaves to the others.</summary>
    public const string Due = "due";

    /// <summary>A node takes no more endpoints and is handing back those it has: followed by its id.</summary>
    public const string Leaving = "leaving:";

    /// <summary>An endpoint was paused, resumed, changed or deleted: followed by its key.</summary>
    public const string Endpoint = "endpoint:";

    /// <summary>The epoch of every stream was raised.</summary>
    public const string EpochRaised = "epoch_raised";

    /// <summary>Streams grew that another process delivers: followed by their keys, with commas.</summary>
    public const string Grown = "grown:";
}

/// <summary>
/// Hints from where something was committed to whoever works on it: in this process at once, in others by NOTIFY. Every hint may be lost;
/// polling finds what it announced.
/// </summary>
internal sealed partial class Wake
{
    private readonly WebhookDatabase _database;
    private readonly IOptions<WebhookDispatcherOptions> _options;
    private readonly ILogger<Wake> _logger;
    private readonly CoalescedHint _published;
    private readonly CoalescedHint _due;

    public Wake(WebhookDatabase database, IOptions<WebhookDispatcherOptions> options, ILogger<Wake> logger)
    {
        (_database, _options, _logger) = (database, options, logger);
        _published = new CoalescedHint(buckets => TryNotifyAsync(
            $"{WakeMessages.Published}:{string.Join(',', BucketShare.All.Where(bucket => (buckets & (1 << bucket)) != 0))}", CancellationToken.None));
        _due = new CoalescedHint(_ => TryNotifyAsync(WakeMessages.Due, CancellationToken.None));
    }

    /// <summary>Raised with the buckets in which this process has committed events; null stands for any.</summary>
    public event Action<IReadOnlyCollection<short>?>? EventsCommitted;

    /// <summary>Raised with the buckets in which another process has committed events; null stands for any.</summary>
    public event Action<IReadOnlyCollection<short>?>? EventsAnnounced;

    /// <summary>Raised when another node leaves endpoints that are due to this one.</summary>
    public event Action? EndpointsDue;

    /// <summary>Raised when a node is about to end.</summary>
    public event Action<Guid>? NodeLeaving;

    /// <summary>Raised with an endpoint whose state or settings changed.</summary>
    public event Action<long>? EndpointChanged;

    /// <summary>Raised with streams that were numbered by another process.</summary>
    public event Action<long[]>? StreamsGrew;

    /// <summary>Raised when every stream has a new epoch.</summary>
    public event Action? EpochRaised;

    /// <summary>After a commit of this process: its own worker, if it runs one, needs no round trip through the database.</summary>
    public void Committed(IReadOnlyCollection<short> buckets)
    {
        EventsCommitted?.Invoke(buckets);
        if (!_options.Value.RunWorker) _published.Send(buckets.Aggregate(0, (mask, bucket) => mask | (1 << bucket)));
    }

    /// <summary>Tells other nodes that endpoints are due which this one leaves to them.</summary>
    public void LeaveDue() => _due.Send(1);

    /// <summary>Tells other nodes that this one is about to end.</summary>
    public Task LeavingAsync(Guid node) => TryNotifyAsync(WakeMessages.Leaving + node, CancellationToken.None);

    public async Task PublishedAsync(CancellationToken cancel)
    {
        EventsCommitted?.Invoke(null);
        if (!_options.Value.RunWorker) await TryNotifyAsync(WakeMessages.Published, cancel);
    }

    public async Task EndpointAsync(long endpoint, CancellationToken cancel)
    {
        EndpointChanged?.Invoke(endpoint);
        await TryNotifyAsync(WakeMessages.Endpoint + endpoint, cancel);
    }

    /// <summary>Tells other processes of streams that grew and that they work on: they would look only when they have waited for long enough.</summary>
    public async Task GrownAsync(IReadOnlyCollection<long> endpoints, Guid owner, CancellationToken cancel)
    {
        var elsewhere = new List<long>();
        try
        {
            await using var command = _database.Command("Delivery/leased_elsewhere", endpoints.ToArray(), owner);
            await using var reader = await command.ExecuteReaderAsync(cancel);
            while (await reader.ReadAsync(cancel)) elsewhere.Add(reader.GetInt64(0));
        }
        catch (NpgsqlException exception)
        {
            LogNotSent(exception);
        }

        // A message has less than 8,000 bytes, a key at most 19 digits.
        foreach (var some in elsewhere.Chunk(350)) await TryNotifyAsync(WakeMessages.Grown + string.Join(',', some), cancel);
    }

    /// <summary>Takes a message that came over the channel.</summary>
    public void Received(string payload)
    {
        if (payload == WakeMessages.Published) EventsAnnounced?.Invoke(null);
        else if (payload == WakeMessages.EpochRaised) EpochRaised?.Invoke();
        else if (payload == WakeMessages.Due) EndpointsDue?.Invoke();
        else if (After(WakeMessages.Published + ":") is { } buckets) EventsAnnounced?.Invoke([.. Keys(buckets).Where(BucketShare.IsBucket).Select(key => (short)key)]);
        else if (After(WakeMessages.Grown) is { } grown) StreamsGrew?.Invoke(Keys(grown));
        else if (After(WakeMessages.Endpoint) is { } changed && long.TryParse(changed, out var endpoint)) EndpointChanged?.Invoke(endpoint);
        else if (After(WakeMessages.Leaving) is { } leaving && Guid.TryParse(leaving, out var node)) NodeLeaving?.Invoke(node);

        string? After(string kind) => payload.StartsWith(kind, StringComparison.Ordinal) ? payload[kind.Length..] : null;
    }

    private static long[] Keys(string list) => [.. list.Split(',').Select(key => long.TryParse(key, out var parsed) ? parsed : -1)];

    /// <summary>What is announced has been committed: that the announcement fails must not look like a failure of the change.</summary>
    private async Task TryNotifyAsync(string payload, CancellationToken cancel)
    {
        try
        {
            await using var command = _database.Command("Publishing/notify", _database.Channel, payload);
            await command.ExecuteNonQueryAsync(cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or ObjectDisposedException)
        {
            LogNotSent(exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "A wake hint could not be sent; polling will find what it announced", EventName = "HintNotSent")]
    private partial void LogNotSent(Exception exception);
}
