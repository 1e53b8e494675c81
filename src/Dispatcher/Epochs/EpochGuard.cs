using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Epochs;

/// <summary>
/// Notices that the database may have lost commits, and raises the epoch of every stream before anything is numbered. It looks at every new
/// connection, for to get to another server, or to one that was restarted, takes one; and the sequencer looks in every batch.
/// </summary>
internal sealed partial class EpochGuard(WebhookDatabase database, Wake wake, ILogger<EpochGuard> logger)
{
    private static readonly short[] Buckets = [.. Enumerable.Range(0, WebhookApplications.Buckets).Select(bucket => (short)bucket)];

    private readonly Lock _gate = new();
    private SeenLog _seen;
    private int _unreadable;

    /// <summary>To be taken before a standing is read: a later one may be behind what another connection has seen meanwhile.</summary>
    public SeenLog Seen
    {
        get
        {
            lock (_gate) return _seen;
        }
    }

    /// <summary>Takes note of a standing that was compared and found unchanged.</summary>
    public void Note(DatabaseStanding standing)
    {
        lock (_gate) _seen = _seen.With(standing);
    }

    /// <summary>Compares once, and from here on at every new connection, before it is used. To be called when the schema is up to date.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        database.Opened = connection => CheckAsync(connection, CancellationToken.None);
        await using var connection = await database.OpenAsync(cancel);
        await CheckAsync(connection, cancel);
    }

    /// <summary>Compares, and raises the epoch when the database is another one. The connection must have no transaction open.</summary>
    public async Task CheckAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var system = await ReadSystemIdentifierAsync(connection, cancel);
        while (true)
        {
            var seen = Seen;
            var standing = await ReadAsync(connection, cancel);
            var change = standing.Compare(system, seen);
            if (change is IdentityChange.None)
            {
                Note(standing);
                return;
            }

            if (change is IdentityChange.NotRecorded)
            {
                await using var store = database.Command(connection, "Epochs/store_identity", Parameter(system), standing.Timeline);
                await store.ExecuteNonQueryAsync(cancel);
            }
            else
            {
                await RaiseAsync(connection, system, standing, change, Describe(change, system, standing, seen), "dispatcher", cancel);
            }
        }
    }

    /// <summary>Raises the epoch because an operator says so.</summary>
    public async Task<RaisedEpoch> RaiseAsync(string reason, CancellationToken cancel)
    {
        await using var connection = await database.OpenAsync(cancel);
        var system = await ReadSystemIdentifierAsync(connection, cancel);
        return (await RaiseAsync(connection, system, null, IdentityChange.None, reason, "operator", cancel))!;
    }

    /// <summary>One transaction, under every bucket's lock. Null when another node has done it since <paramref name="judged"/> was read.</summary>
    private async Task<RaisedEpoch?> RaiseAsync(
        NpgsqlConnection connection, long? system, DatabaseStanding? judged, IdentityChange change, string reason, string actor, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted, cancel);
        await RunAsync(new NpgsqlBatchCommand("SET LOCAL synchronous_commit = on"), database.Step("Epochs/lock_all_buckets", Buckets));
        var standing = await ReadAsync(connection, cancel);
        if (judged is not null && standing.Epoch != judged.Epoch) return null;

        int epoch;
        await using (var draw = database.Command(connection, "Epochs/raise_identity", Parameter(system), standing.Timeline))
            epoch = (int)(await draw.ExecuteScalarAsync(cancel))!;
        await RunAsync(database.Step("Epochs/raise_versions", epoch));
        var streams = await RunAsync(database.Step("Epochs/raise_streams", epoch));
        var takenBack = await RunAsync(database.Step("Epochs/take_back_cursors"));
        await RunAsync(
            database.Step("Epochs/take_back_served"),
            database.Step("Epochs/renew_horizons"),
            database.Step("Epochs/record_raise", actor, JsonSerializer.Serialize(new
            {
                change = change is IdentityChange.None ? "asked_for" : Word(change), reason, epoch, streams, cursors_taken_back = takenBack,
                system_identifier = (system ?? standing.RecordedSystem)?.ToString(System.Globalization.CultureInfo.InvariantCulture), timeline = standing.Timeline,
            })),
            // With the commit: every process hands its endpoints back at once, to take them again in the new epoch.
            database.Step("Publishing/notify", database.Channel, WakeMessages.EpochRaised));
        await transaction.CommitAsync(cancel);

        LogRaised(reason, epoch, streams, takenBack);
        wake.Received(WakeMessages.EpochRaised);
        return new RaisedEpoch(epoch, streams, takenBack);

        // However many streams there are: given up half-way, it would be begun again.
        async Task<int> RunAsync(params NpgsqlBatchCommand[] steps)
        {
            await using var batch = new NpgsqlBatch(connection, transaction) { Timeout = 0 };
            foreach (var step in steps) batch.BatchCommands.Add(step);
            await batch.ExecuteNonQueryAsync(cancel);
            return (int)batch.BatchCommands[^1].Rows;
        }
    }

    private async Task<DatabaseStanding> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Epochs/read_standing");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel)
            ? DatabaseStanding.Read(reader)
            : throw new InvalidOperationException("The table database_identity is empty; the schema was not set up by the migrations.");
    }

    /// <summary>Null when the role may not read it: then another cluster is not noticed, unless its timeline is another one too.</summary>
    private async Task<long?> ReadSystemIdentifierAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        try
        {
            await using var command = database.Command(connection, "Epochs/read_system_identifier");
            return (long)(await command.ExecuteScalarAsync(cancel))!;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            if (Interlocked.Exchange(ref _unreadable, 1) == 0) LogUnreadable(connection.UserName ?? "");
            return null;
        }
    }

    private static NpgsqlParameter Parameter(long? value) => new() { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint, Value = (object?)value ?? DBNull.Value };

    private static string Word(IdentityChange change) => change switch
    {
        IdentityChange.SystemIdentifierChanged => "system_identifier_changed",
        IdentityChange.TimelineChanged => "timeline_changed",
        _ => "log_went_back",
    };

    private static string Describe(IdentityChange change, long? system, DatabaseStanding standing, SeenLog seen) => change switch
    {
        IdentityChange.SystemIdentifierChanged => $"the cluster is {system}, and was {standing.RecordedSystem}",
        IdentityChange.TimelineChanged => $"the timeline is {standing.Timeline}, and was {standing.RecordedTimeline}",
        _ => $"the log ends at {standing.LogPosition} of epoch {standing.Epoch}, and has been seen at {seen.Position} of epoch {seen.Epoch}",
    };

    [LoggerMessage(1, LogLevel.Critical,
        "The database may have lost commits ({Reason}): epoch {Epoch} begins in {Streams} streams, behind what is known of each; {TakenBack} cursors lay beyond that and were taken back",
        EventName = "EpochRaised")]
    private partial void LogRaised(string reason, int epoch, int streams, int takenBack);

    [LoggerMessage(2, LogLevel.Warning,
        "Role {Role} may not call pg_control_system(), so a restore into another cluster is not noticed; GRANT EXECUTE ON FUNCTION pg_control_system() TO it, or raise the epoch by hand after a restore",
        EventName = "SystemIdentifierUnreadable")]
    private partial void LogUnreadable(string role);
}
