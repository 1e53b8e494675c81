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

    /// <summary>Takes a message that came over the channel.</summary>
    public void Received(string payload)
    {
        if (payload == WakeMessages.Published) EventsCommitted?.Invoke(null);
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
