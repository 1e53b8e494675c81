using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>What travels on the NOTIFY channel.</summary>
internal static class WakeMessages
{
    /// <summary>Events were committed, in any bucket.</summary>
    public const string Published = "published";

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
internal sealed partial class Wake(WebhookDatabase database, IOptions<WebhookDispatcherOptions> options, ILogger<Wake> logger)
{
    private int _notifying;
    private int _again;

    /// <summary>Raised with the buckets in which events were committed; null stands for any.</summary>
    public event Action<IReadOnlyCollection<short>?>? EventsCommitted;

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
        if (options.Value.RunWorker) return;
        // One NOTIFY under way at a time, and one more after it: commits with NOTIFY queue behind each other in the whole database.
        Interlocked.Exchange(ref _again, 1);
        if (Interlocked.CompareExchange(ref _notifying, 1, 0) == 0) _ = NotifyWhileAskedAsync();
    }

    public async Task PublishedAsync(CancellationToken cancel)
    {
        EventsCommitted?.Invoke(null);
        if (!options.Value.RunWorker) await TryNotifyAsync(WakeMessages.Published, cancel);
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
            await using var command = database.Command("Delivery/leased_elsewhere", endpoints.ToArray(), owner);
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
        if (payload == WakeMessages.Published) EventsCommitted?.Invoke(null);
        else if (payload == WakeMessages.EpochRaised) EpochRaised?.Invoke();
        else if (payload.StartsWith(WakeMessages.Grown, StringComparison.Ordinal))
            StreamsGrew?.Invoke([.. payload[WakeMessages.Grown.Length..].Split(',').Select(key => long.TryParse(key, out var grown) ? grown : 0)]);
        else if (payload.StartsWith(WakeMessages.Endpoint, StringComparison.Ordinal) && long.TryParse(payload.AsSpan(WakeMessages.Endpoint.Length), out var endpoint))
            EndpointChanged?.Invoke(endpoint);
    }

    private async Task NotifyWhileAskedAsync()
    {
        do
        {
            while (Interlocked.Exchange(ref _again, 0) == 1) await TryNotifyAsync(WakeMessages.Published, CancellationToken.None);
            Volatile.Write(ref _notifying, 0);
        }
        while (Volatile.Read(ref _again) == 1 && Interlocked.CompareExchange(ref _notifying, 1, 0) == 0);
    }

    /// <summary>What is announced has been committed: that the announcement fails must not look like a failure of the change.</summary>
    private async Task TryNotifyAsync(string payload, CancellationToken cancel)
    {
        try
        {
            await using var command = database.Command("Publishing/notify", database.Channel, payload);
            await command.ExecuteNonQueryAsync(cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            LogNotSent(exception);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "A wake hint could not be sent; polling will find what it announced", EventName = "HintNotSent")]
    private partial void LogNotSent(Exception exception);
}
