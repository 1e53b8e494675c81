using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Statistics;

/// <summary>Writes down what this process has counted: added to what other processes, or it itself, have counted of the same minute.</summary>
internal sealed partial class StatisticsWriter(
    WebhookDatabase database, EndpointTallies tallies, IOptions<WebhookDispatcherOptions> options, ILogger<StatisticsWriter> logger) : IDisposable
{
    private const int AtATime = 1000;

    private readonly SemaphoreSlim _turn = new(1);
    private List<TalliedMinute> _unwritten = [];

    /// <summary>Writes all. What could not be written is kept for the next time, as far as there is room for it.</summary>
    /// <returns>How many minutes of endpoints were written.</returns>
    public async Task<int> RunOnceAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            if (tallies.TakeUncounted() is > 0 and var uncounted) LogUncounted(uncounted, options.Value.Statistics.MaxEndpoints);
            _unwritten.AddRange(tallies.Take());
            if (_unwritten.Count > options.Value.Statistics.MaxEndpoints) _unwritten.RemoveRange(0, _unwritten.Count - options.Value.Statistics.MaxEndpoints);
            var written = 0;
            while (_unwritten.Count > 0)
            {
                var some = _unwritten.GetRange(0, Math.Min(AtATime, _unwritten.Count));
                await WriteAsync(some, cancel);
                _unwritten.RemoveRange(0, some.Count);
                written += some.Count;
            }

            // It may have grown while the database did not answer.
            if (_unwritten.Capacity > AtATime) _unwritten = [];
            return written;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task WriteAsync(List<TalliedMinute> minutes, CancellationToken cancel)
    {
        // One statement adds to a row once.
        var rows = minutes.OrderBy(one => one.Endpoint).ThenBy(one => one.Minute).ToList();
        var again = rows.Where((row, i) => i > 0 && (row.Endpoint, row.Minute) == (rows[i - 1].Endpoint, rows[i - 1].Minute)).ToHashSet();
        await using var connection = await database.OpenAsync(cancel);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                // A crash of the server may take it: these are counts.
                WebhookDatabase.Literal("SET LOCAL synchronous_commit = off"),
                Step(rows.FindAll(row => !again.Contains(row))),
            },
        };
        foreach (var row in again) batch.BatchCommands.Add(Step([row]));
        batch.BatchCommands.Add(WebhookDatabase.Literal("COMMIT"));
        await batch.ExecuteNonQueryAsync(cancel);
    }

    private NpgsqlBatchCommand Step(List<TalliedMinute> rows) => database.Step(
        "Statistics/write_minutes", rows.ConvertAll(row => row.Endpoint).ToArray(), rows.ConvertAll(row => row.Minute).ToArray(),
        rows.ConvertAll(row => row.Attempts).ToArray(), rows.ConvertAll(row => row.Settled).ToArray(),
        // An array of arrays must have the same length in each; as text they need not.
        rows.ConvertAll(row => $"{{{string.Join(',', row.Latency.Select(one => one.ToString(CultureInfo.InvariantCulture)))}}}").ToArray(),
        rows.ConvertAll(row => row.Longest).ToArray());

    [LoggerMessage(1, LogLevel.Warning, "{Uncounted} attempts and settlements of more than {Endpoints} endpoints (Statistics:MaxEndpoints) are not in the statistics",
        EventName = "StatisticsFull")]
    private partial void LogUncounted(long uncounted, int endpoints);
}
