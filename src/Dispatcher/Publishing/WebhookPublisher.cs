using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.EventTypes;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Publishing;

internal sealed class WebhookPublisher(
    WebhookDatabase database, GroupCommit groupCommit, FreshEvents fresh, EventTypeRegistry types, Wake wake, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics)
    : IWebhookPublisher
{
    public void Validate(EventToPublish published)
    {
        ArgumentNullException.ThrowIfNull(published);
        EventRules.Check(published, options.Value.Publishing.MaxDataBytes);
    }

    public async Task<WebhookEventId> PublishAsync(EventToPublish published, NpgsqlTransaction transaction, CancellationToken cancellationToken = default) =>
        (await PublishAsync([published], transaction, cancellationToken))[0];

    public async Task<IReadOnlyList<WebhookEventId>> PublishAsync(
        IReadOnlyList<EventToPublish> published, NpgsqlTransaction transaction, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(published);
        ArgumentNullException.ThrowIfNull(transaction);
        var connection = transaction.Connection
            ?? throw new InvalidOperationException("The transaction has ended; publish before it is committed or rolled back.");
        using var activity = DispatcherDiagnostics.Source.StartActivity("webhooks.publish", ActivityKind.Producer);
        var batch = Prepare(published);
        if (batch.Ids.Length == 0) return [];
        foreach (var one in published) await types.CheckAsync(one, cancellationToken);
        await using var command = new NpgsqlBatch(connection, transaction) { BatchCommands = { batch.ToStep(database) } };
        if (options.Value.Publishing.NotifyInTransaction)
            command.BatchCommands.Add(database.Step("Publishing/notify", database.Channel, WakeMessages.Published));
        var stored = 0;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            for (; await reader.ReadAsync(cancellationToken); stored++) batch.Stored(reader);
            batch.Keep();
        }

        if (stored != batch.Ids.Length)
        {
            // Part of it may be in the caller's transaction by now; only a rollback takes it out again, and the exception says so.
            throw new WebhookNotFoundException(
                $"{batch.Ids.Length - stored} of {batch.Ids.Length} events name an application that does not exist. Roll the transaction back.");
        }

        metrics.Published(stored);
        return Array.ConvertAll(batch.Ids, id => new WebhookEventId(id));
    }

    public Task<WebhookEventId> PublishAsync(EventToPublish published, CancellationToken cancellationToken = default)
    {
        Validate(published);
        var check = types.CheckAsync(published, cancellationToken);
        return check.IsCompletedSuccessfully ? groupCommit.PublishAsync(published, cancellationToken) : PublishCheckedAsync(check, published, cancellationToken);
    }

    private async Task<WebhookEventId> PublishCheckedAsync(ValueTask check, EventToPublish published, CancellationToken cancellationToken)
    {
        await check;
        return await groupCommit.PublishAsync(published, cancellationToken);
    }

    public Task WakeAsync(CancellationToken cancellationToken = default) => wake.PublishedAsync(cancellationToken);

    private PublishBatch Prepare(IReadOnlyList<EventToPublish> published)
    {
        foreach (var one in published) Validate(one);
        return new PublishBatch(published, fresh);
    }
}

/// <summary>Events as the columns of one insert.</summary>
internal sealed class PublishBatch(IReadOnlyList<EventToPublish> published, FreshEvents fresh)
{
    // Rows come back in the order in which they were given, but for those of unknown applications, which do not come.
    private int _next;
    private readonly Dictionary<short, List<(long, FreshEvent)>> _stored = [];
    private readonly int _generation = fresh.Generation;

    public Guid[] Ids { get; } = WebhookEventId.NewGuids(published.Count);

    /// <summary>Takes note of the row that the reader stands on; which event of the batch it is.</summary>
    public int Stored(NpgsqlDataReader reader)
    {
        var id = reader.GetGuid(0);
        while (Ids[_next] != id) _next++;
        if (fresh.IsKept)
        {
            // A copy: the caller may use its memory for something else as soon as it is told that the event is stored.
            var one = published[_next];
            var bucket = reader.GetInt16(1);
            if (!_stored.TryGetValue(bucket, out var stored)) _stored.Add(bucket, stored = []);
            stored.Add((reader.GetInt64(2), new FreshEvent(id, one.Type, reader.GetFieldValue<DateTimeOffset>(3), one.Data.ToArray())));
        }

        return _next;
    }

    /// <summary>All rows were seen.</summary>
    public void Keep()
    {
        foreach (var (bucket, stored) in _stored) fresh.Add(_generation, bucket, stored);
    }

    public NpgsqlBatchCommand ToStep(WebhookDatabase database) => database.Step(
        "Publishing/publish",
        published.Select(one => one.Application.Value).ToArray(),
        Ids,
        published.Select(one => one.Type).ToArray(),
        published.Select(one => one.DedupeKey).ToArray(),
        published.Select(one => Bytes(one.Data)).ToArray(),
        published.Select(one => one.ApiKey).ToArray());

    /// <summary>The array itself where the data is all of one, as it mostly is.</summary>
    private static byte[] Bytes(ReadOnlyMemory<byte> data) =>
        MemoryMarshal.TryGetArray(data, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length ? segment.Array : data.ToArray();
}
