using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Writes what a turn of suspicion changes: counts taken back, waits cut short, and the operational event that says so.</summary>
internal sealed partial class EgressReporter : BackgroundService
{
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Idle = TimeSpan.FromHours(1);

    // Over so long the endpoints are tried again: those whose failures are taken back, and, sooner, those that waited for the network.
    private static readonly TimeSpan SpreadWhenSuspect = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SpreadWhenRecovered = TimeSpan.FromSeconds(3);

    private readonly ConcurrentQueue<EgressTurn> _turns = new();
    private readonly Signal _news;
    private readonly WebhookDatabase _database;
    private readonly LeaseStore _leases;
    private readonly TimeProvider _time;
    private readonly ILogger<EgressReporter> _logger;

    public EgressReporter(EgressWatch watch, WebhookDatabase database, LeaseStore leases, TimeProvider time, ILogger<EgressReporter> logger)
    {
        (_database, _leases, _time, _logger) = (database, leases, time, logger);
        _news = new Signal(time);
        watch.Turned += turn =>
        {
            if (turn.Suspect) LogSuspect(turn.Failures.Count);
            else LogRecovered(turn.Failures.Count);
            _turns.Enqueue(turn);
            _news.Set();
        };
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // A network that is cut takes the database with it: a turn stays in the queue until it is written.
                if (_turns.TryPeek(out var turn))
                {
                    // Failures that were judged a moment before the turn are still on their way to the database.
                    await Task.Delay(Settling, _time, stoppingToken);
                    await WriteAsync(turn, stoppingToken);
                    _turns.TryDequeue(out _);
                }
                else
                {
                    await _news.WaitAsync(Idle, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            // Whatever it is, it must not end the platform with it.
            catch (Exception exception)
            {
                LogNotWritten(exception);
                await Task.Delay(AfterTrouble, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task WriteAsync(EgressTurn turn, CancellationToken cancel)
    {
        var data = JsonSerializer.Serialize(new { node = _leases.Owner, machine = Environment.MachineName, endpoints = turn.Failures.Count });
        await using var connection = await _database.OpenAsync(cancel);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                _database.Step(
                    "Sending/retry_sooner",
                    turn.Failures.Select(one => one.Key).ToArray(), turn.Failures.Select(one => one.Value.Written.ConsecutiveFailures).ToArray(),
                    turn.Failures.Select(one => one.Value.Written.Attempts).ToArray(),
                    turn.Failures.Select(one => (turn.Suspect ? one.Value.Before : one.Value.Written).ConsecutiveFailures).ToArray(),
                    turn.Suspect ? SpreadWhenSuspect : SpreadWhenRecovered),
                _database.Step("Operations/raise", turn.Suspect ? "node.egress_suspect" : "node.egress_recovered", null, "dispatcher", data),
                WebhookDatabase.Literal("COMMIT"),
            },
        };
        await batch.ExecuteNonQueryAsync(cancel);
    }

    [LoggerMessage(1, LogLevel.Error, "Most endpoints cannot be reached: this node's network is suspected. Nothing is counted against them; {Failures} failures of the last minute are taken back", EventName = "EgressSuspect")]
    private partial void LogSuspect(int failures);

    [LoggerMessage(2, LogLevel.Warning, "Endpoints can be reached again; {Endpoints} that waited are tried now", EventName = "EgressRecovered")]
    private partial void LogRecovered(int endpoints);

    [LoggerMessage(3, LogLevel.Warning, "What the suspicion of this node's network changes cannot be written yet", EventName = "EgressNotWritten")]
    private partial void LogNotWritten(Exception exception);
}
