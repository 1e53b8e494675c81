using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Publishing;

/// <summary>Publishes that bring no transaction share one.</summary>
internal sealed class GroupCommit(WebhookDatabase database, FreshEvents fresh, Wake wake, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics, TimeProvider time)
    : IAsyncDisposable
{
    private readonly Batcher<EventToPublish, WebhookEventId?> _batcher =
        new(published => CommitAsync(published, database, fresh, wake, metrics), options.Value.Publishing.GroupCommitSize, time,
            parallel: 2, bytesOf: published => published.Data.Length);

    public async Task<WebhookEventId> PublishAsync(EventToPublish published, CancellationToken cancel)
    {
        try
        {
            return await _batcher.RunAsync(published, cancel)
                ?? throw new WebhookNotFoundException($"There is no application {published.Application}.");
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            throw new WebhookPublishException(
                "The database did not confirm the publish. Publish again, with the same dedupe key if it must not happen twice.", exception);
        }
    }

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private static async Task<IReadOnlyList<WebhookEventId?>> CommitAsync(
        IReadOnlyList<EventToPublish> published, WebhookDatabase database, FreshEvents fresh, Wake wake, DispatcherMetrics metrics)
    {
        var batch = new PublishBatch(published, fresh);
        var ids = new WebhookEventId?[published.Count];
        var stored = 0;
        var buckets = new HashSet<short>();
        await using (var connection = await database.OpenAsync(CancellationToken.None))
        await using (var command = new NpgsqlBatch(connection) { BatchCommands = { batch.ToStep(database) } })
        await using (var reader = await command.ExecuteReaderAsync(CancellationToken.None))
        {
            while (await reader.ReadAsync(CancellationToken.None))
            {
                var one = batch.Stored(reader);
                ids[one] = new WebhookEventId(batch.Ids[one]);
                buckets.Add(reader.GetInt16(1));
                stored++;
            }
        }

        batch.Keep();
        metrics.Published(stored);
        wake.Committed(buckets);
        return ids;
    }
}
