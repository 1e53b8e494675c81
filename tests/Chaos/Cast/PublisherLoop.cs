using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using Webhooks.Chaos.Judging;
using Webhooks.Dispatcher;

namespace Webhooks.Chaos.Cast;

/// <summary>A platform's business: a row of its own and events in one transaction, and some that are rolled back, or slow to commit.</summary>
internal sealed class PublisherLoop(RoleSettings settings, IWebhookPublisher publisher)
{
    private const int Lanes = 4;
    private const double RolledBack = 0.08, Slow = 0.04, Keyed = 0.15, Several = 0.1;

    // Few, so that two publishers often use the same.
    private const int Keys = 100;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromMilliseconds(200);

    private readonly NpgsqlDataSource _data = NpgsqlDataSource.Create(settings.Database);

    public Task RunAsync(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => RunAsync(lane, stop)));

    private async Task RunAsync(int lane, CancellationToken stop)
    {
        var random = new Random(HashCode(settings.Seed, lane));
        // A process that was started again is another publisher: its numbers begin anew.
        var name = string.Create(CultureInfo.InvariantCulture, $"{settings.Seed}-{Environment.ProcessId}-{lane}");
        var number = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(-Math.Log(1 - random.NextDouble()) * Lanes / settings.Rate), stop);
                number = await PublishAsync(name, number, random, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or WebhookPublishException or TimeoutException)
            {
                Console.WriteLine($"lane {lane}: {exception.Message}");
                await Task.Delay(AfterTrouble, CancellationToken.None);
                // Whether the last one was committed is not known here: the numbers go on, and may have a hole.
                number += 10;
            }
        }
    }

    /// <summary>One transaction.</summary>
    /// <returns>The next number.</returns>
    private async Task<int> PublishAsync(string lane, int number, Random random, CancellationToken stop)
    {
        var (rolledBack, slow, count) = (random.NextDouble() < RolledBack, random.NextDouble() < Slow, random.NextDouble() < Several ? 3 : 1);
        var application = WebhookApplicationId.Parse(settings.Applications[random.Next(settings.Applications.Count)]);
        var events = Enumerable.Range(0, count).Select(_ => Make(application, random)).ToList();
        var wait = TimeSpan.FromSeconds(0.1 + (2 * random.NextDouble()));
        await using var connection = await _data.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        var ids = await publisher.PublishAsync(events, transaction, CancellationToken.None);
        foreach (var (published, id) in events.Zip(ids))
        {
            await using var row = new NpgsqlCommand(Business.Insert, connection, transaction)
            {
                Parameters =
                {
                    new() { Value = id.Value }, new() { Value = application.Value }, new() { Value = published.Type }, new() { Value = lane },
                    new() { Value = number++ }, new() { Value = (object?)published.DedupeKey ?? DBNull.Value },
                    new() { Value = Convert.ToHexStringLower(SHA256.HashData(published.Data.Span)) },
                },
            };
            await row.ExecuteNonQueryAsync(CancellationToken.None);
        }

        if (slow) await Task.Delay(wait, CancellationToken.None);
        if (rolledBack)
        {
            await transaction.RollbackAsync(CancellationToken.None);
            await File.AppendAllLinesAsync(Business.RolledBackPath(settings.Folder, lane), ids.Select(id => id.Value), CancellationToken.None);
            return number;
        }

        await transaction.CommitAsync(CancellationToken.None);
        await publisher.WakeAsync(CancellationToken.None);
        return number;
    }

    private static EventToPublish Make(WebhookApplicationId application, Random random)
    {
        var data = JsonSerializer.SerializeToUtf8Bytes(new { order = random.NextInt64(), note = new string('x', random.Next(20, 1500)) });
        var key = random.NextDouble() < Keyed ? $"order-{random.Next(Keys).ToString(CultureInfo.InvariantCulture)}" : null;
        return new EventToPublish(application, EventTypes.All[random.Next(EventTypes.All.Count)], data) { DedupeKey = key };
    }

    // System.HashCode differs from process to process.
    private static int HashCode(int seed, int lane) => unchecked((seed * 31) + lane);
}
