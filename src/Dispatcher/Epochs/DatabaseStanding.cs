using Npgsql;

namespace Webhooks.Dispatcher.Epochs;

/// <summary>What the comparison of a database with what is recorded of it came to.</summary>
internal enum IdentityChange
{
    /// <summary>It is the one that is recorded, or a standby, on which nothing can be written.</summary>
    None,

    /// <summary>Nothing is recorded yet, or not all.</summary>
    NotRecorded,

    /// <summary>Another cluster: a logical restore.</summary>
    SystemIdentifierChanged,

    /// <summary>A promoted standby, or a restore with archive recovery.</summary>
    TimelineChanged,

    /// <summary>This process has seen the log on disk beyond where it is now: an older copy of the files took the place of the database.</summary>
    LogWentBack,
}

/// <summary>How far this process has seen the database's log on disk, within an epoch of the database.</summary>
internal readonly record struct SeenLog(int Epoch, long Position)
{
    /// <summary>After another look. One that began before an epoch was raised says nothing of it.</summary>
    public SeenLog With(DatabaseStanding standing) =>
        standing.LogPosition is not { } position || standing.Epoch < Epoch ? this
        : new SeenLog(standing.Epoch, standing.Epoch == Epoch ? Math.Max(Position, position) : position);
}

/// <summary>What is recorded of the database, and what it is. Pure.</summary>
/// <param name="Epoch">The epoch of the last raise.</param>
/// <param name="RecordedSystem">The recorded system identifier; null when none is.</param>
/// <param name="RecordedTimeline">The recorded timeline; null when none is.</param>
/// <param name="Timeline">The timeline; null on a standby.</param>
/// <param name="LogPosition">Up to where its log is on disk; null on a standby.</param>
internal sealed record DatabaseStanding(int Epoch, long? RecordedSystem, int? RecordedTimeline, int? Timeline, long? LogPosition)
{
    /// <summary>Compares.</summary>
    /// <param name="system">The system identifier of the server; null when it is not known.</param>
    /// <param name="seen">What was seen of the log before this was read.</param>
    public IdentityChange Compare(long? system, SeenLog seen)
    {
        if (Timeline is not { } timeline || LogPosition is not { } position) return IdentityChange.None;
        if (RecordedSystem is { } recorded && system is { } present && recorded != present) return IdentityChange.SystemIdentifierChanged;
        if (RecordedTimeline is { } before && before != timeline) return IdentityChange.TimelineChanged;
        if (Epoch < seen.Epoch || (Epoch == seen.Epoch && position < seen.Position)) return IdentityChange.LogWentBack;
        return RecordedTimeline is null || (RecordedSystem is null && system is not null) ? IdentityChange.NotRecorded : IdentityChange.None;
    }

    public static DatabaseStanding Read(NpgsqlDataReader reader) => new(
        reader.GetInt32(0), reader.IsDBNull(1) ? null : reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetInt32(2),
        reader.IsDBNull(3) ? null : reader.GetInt32(3), reader.IsDBNull(4) ? null : reader.GetInt64(4));
}
