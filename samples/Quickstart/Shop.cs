using System.Collections.Concurrent;
using System.Security.Cryptography;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.Quickstart;

/// <summary>An event that was published and committed: by which publisher, as its how-manieth, and with which data.</summary>
internal sealed record PublishedEvent(string EventId, int Publisher, int Number, string Sha256);

/// <summary>The platform's business: orders in its own tables, and an event in the transaction of each.</summary>
internal sealed class Shop(NpgsqlDataSource data, IWebhookPublisher publisher, WebhookApplicationId application)
{
    private const int Publishers = 4;
    private const int RollBackEvery = 10;

    private readonly int[] _numbers = new int[Publishers];

    public ConcurrentQueue<PublishedEvent> Published { get; } = new();

    public ConcurrentQueue<string> RolledBack { get; } = new();

    public async Task CreateTablesAsync()
    {
        await using var command = data.CreateCommand("CREATE TABLE shop_order (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text NOT NULL)");
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Commits an order for each event, four at a time, and rolls some others back.</summary>
    public Task PublishAsync(IReadOnlyList<EventLine> lines)
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, Publishers).Select(async lane =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < lines.Count;)
            {
                if (i % RollBackEvery == 0) await OrderAsync(lane, lines[i], commit: false);
                await OrderAsync(lane, lines[i], commit: true);
            }
        }));
    }

    private async Task OrderAsync(int lane, EventLine line, bool commit)
    {
        await using var connection = await data.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var order = new NpgsqlCommand("INSERT INTO shop_order (type) VALUES ($1)", connection, transaction) { Parameters = { new() { Value = line.Type } } })
            await order.ExecuteNonQueryAsync();
        var id = await publisher.PublishAsync(new EventToPublish(application, line.Type, line.Data), transaction);
        if (!commit)
        {
            await transaction.RollbackAsync();
            RolledBack.Enqueue(id.Value);
            return;
        }

        await transaction.CommitAsync();
        Published.Enqueue(new PublishedEvent(id.Value, lane, _numbers[lane]++, Convert.ToHexStringLower(SHA256.HashData(line.Data))));
        await publisher.WakeAsync();
    }
}
