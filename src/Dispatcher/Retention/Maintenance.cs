using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Retention;

/// <summary>What a round of maintenance did.</summary>
/// <param name="Created">Periods whose partitions were made.</param>
/// <param name="Begun">Periods that came into force.</param>
/// <param name="Dropped">Periods whose partitions were dropped.</param>
/// <param name="Warned">Endpoints of whose held events it was said that they will expire.</param>
/// <param name="Waiting">What keeps a period from being dropped that should be; null when nothing does.</param>
/// <param name="Elsewhere">Whether another process is at it.</param>
internal sealed record MaintenanceRound(int Created = 0, int Begun = 0, int Dropped = 0, int Warned = 0, string? Waiting = null, bool Elsewhere = false);

/// <summary>
/// Keeps periods: makes their partitions ahead, puts them in force, and drops them when nothing in them must be kept. Works in small steps, each of which
/// can be repeated, while everything else goes on; whoever comes next resumes where another was broken off.
/// </summary>
internal sealed partial class Maintenance(
    WebhookDatabase database, Floors floors, Partitions partitions, IOptions<WebhookDispatcherOptions> options, ILogger<Maintenance> logger)
{
    // Long enough for whoever holds a lock for a moment. Whoever asks behind us for the same one waits no longer than this.
    private const string Patience = "SET lock_timeout = '2s'";
    private const int RequestsPruned = 10_000;
    private const int MinutesRolledUp = 10_000;

    // Dropping comes once in a period. After a long stop there is more to do, and the next round goes on with it.
    private const int StepsInRound = 20;

    private DateTimeOffset? _warnedAt;

    /// <summary>Does what is to be done now.</summary>
    /// <param name="now">The time by which it is decided; by default the database's.</param>
    /// <param name="cancel">Gives up between two steps.</param>
    public async Task<MaintenanceRound> RunOnceAsync(DateTimeOffset? now, CancellationToken cancel)
    {
        // A connection of its own: it is closed with its lock and its settings.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancel);
        await using (var patience = new NpgsqlCommand(Patience, connection)) await patience.ExecuteNonQueryAsync(cancel);
        if (!await ScalarAsync<bool>(database.Command(connection, "Retention/try_lock"), cancel)) return new MaintenanceRound(Elsewhere: true);

        var round = new MaintenanceRound();
        for (var steps = 0; steps < StepsInRound; steps++)
        {
            var time = now?.ToUniversalTime() ?? new DateTimeOffset(await ScalarAsync<DateTime>(database.Command(connection, "Retention/clock"), cancel));
            var periods = await ReadPeriodsAsync(connection, cancel);
            var (step, period) = PeriodPlan.Next(periods, time, options.Value.Retention, options.Value.Delivery.LeaseDuration);
            // Also just before they go: nothing expires of which nobody was told.
            if (PeriodPlan.MayWarn(periods, time, options.Value.Retention) && (step == PeriodStep.RaiseFloors || IsTimeToWarn(time)))
            {
                round = round with { Warned = round.Warned + await floors.WarnAsync(connection, time, options.Value.Retention.Keep, cancel) };
                _warnedAt = time;
            }

            if (step == PeriodStep.None) break;
            try
            {
                if (await DoAsync(connection, step, period, time, cancel) is { } waiting)
                {
                    LogWaiting(period, waiting);
                    return round with { Waiting = waiting };
                }
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                // Somebody's open transaction. What was begun is resumed in the next round.
                LogWaiting(period, "a lock");
                return round with { Waiting = "a lock that an open transaction holds" };
            }

            round = step switch
            {
                PeriodStep.Create => round with { Created = round.Created + 1 },
                PeriodStep.Begin => round with { Begun = round.Begun + 1 },
                PeriodStep.Drop => round with { Dropped = round.Dropped + 1 },
                _ => round,
            };
            LogDone(step, period);
        }

        await ExecuteAsync(database.Command(connection, "Retention/prune_resume_requests", RequestsPruned), cancel);
        await ExecuteAsync(database.Command(connection, "Api/Access/prune_access", ApiAnswers.Kept), cancel);
        await ExecuteAsync(database.Command(connection, "Api/Access/prune_audit", options.Value.Retention.KeepAudit), cancel);
        for (var i = 0; i < StepsInRound; i++)
            if (await ScalarAsync<long>(database.Command(connection, "Statistics/roll_up", options.Value.Statistics.KeepMinutes, MinutesRolledUp), cancel) < MinutesRolledUp) break;
        await ExecuteAsync(database.Command(connection, "Statistics/prune_hours", options.Value.Statistics.KeepHours), cancel);
        return round;
    }

    /// <summary>Does a step; gives what it must wait for, when it must.</summary>
    private async Task<string?> DoAsync(NpgsqlConnection connection, PeriodStep step, int period, DateTimeOffset now, CancellationToken cancel)
    {
        switch (step)
        {
            case PeriodStep.Create:
                await ExecuteAsync(database.Command(connection, "Retention/create_period", period, now), cancel);
                return null;
            case PeriodStep.Begin:
                // Two transactions, in this order: see begin_period.sql.
                await ExecuteAsync(database.Command(connection, "Retention/begin_numbers", period), cancel);
                await ExecuteAsync(database.Command(connection, "Retention/begin_period", period, now), cancel);
                return null;
            case PeriodStep.RaiseFloors:
                await ExecuteAsync(database.Command(connection, "Retention/mark_expiring", period, now), cancel);
                if (await floors.FindUnsequencedAsync(connection, period, cancel) is { } bucket) return $"events of bucket {bucket} that are not numbered yet";
                await floors.RaiseAboveAsync(connection, period, cancel);
                await ExecuteAsync(database.Command(connection, "Retention/mark_floors_raised", period, now), cancel);
                return null;
            case PeriodStep.Drop:
                await partitions.DropAsync(connection, period, cancel);
                await ExecuteAsync(database.Command(connection, "Retention/forget_period", period), cancel);
                return null;
            default:
                return "an open transaction that may still publish events of it";
        }
    }

    private bool IsTimeToWarn(DateTimeOffset now) => _warnedAt is null || now >= _warnedAt + (options.Value.Retention.Keep / 100) || now < _warnedAt;

    private async Task<List<Period>> ReadPeriodsAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var periods = new List<Period>();
        await using var command = database.Command(connection, "Retention/read_periods");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
            periods.Add(new Period(reader.GetInt32(0), reader.GetFieldValue<DateTimeOffset>(1), At(2), At(3), At(4), At(5), At(6), reader.GetBoolean(7)));
        return periods;

        DateTimeOffset? At(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
    }

    private static async Task<T> ScalarAsync<T>(NpgsqlCommand command, CancellationToken cancel)
    {
        await using (command) return (T)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task ExecuteAsync(NpgsqlCommand command, CancellationToken cancel)
    {
        await using (command) await command.ExecuteNonQueryAsync(cancel);
    }

    [LoggerMessage(1, LogLevel.Information, "Period {Period}: {Step} done", EventName = "PeriodStepDone")]
    private partial void LogDone(PeriodStep step, int period);

    [LoggerMessage(2, LogLevel.Warning, "Period {Period} waits for {Waiting}", EventName = "PeriodWaits")]
    private partial void LogWaiting(int period, string waiting);
}
