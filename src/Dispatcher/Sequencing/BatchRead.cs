using Npgsql;

namespace Webhooks.Dispatcher.Sequencing;

/// <summary>What a batch begins with: the bucket's state, and the lowest visible positions behind it, from one snapshot.</summary>
internal sealed record BatchRead(long Batch, GapSet State, long Xmin, long Horizon, int Period)
{
    public List<Pending> Pending { get; } = [];

    public static BatchRead FromState(NpgsqlDataReader reader)
    {
        var first = reader.GetFieldValue<long[]>(2);
        var last = reader.GetFieldValue<long[]>(3);
        var horizon = reader.GetFieldValue<long[]>(4);
        var gaps = first.Select((position, i) => new Gap(position, last[i], horizon[i])).ToList();
        return new BatchRead(reader.GetInt64(0), new GapSet(reader.GetInt64(1), gaps), reader.GetInt64(5), reader.GetInt64(6), reader.GetInt32(16));
    }

    public static Pending ReadPending(NpgsqlDataReader reader) => reader.IsDBNull(12)
        ? new PendingEvent(
            reader.GetInt64(7), reader.GetInt64(8), reader.GetString(9), reader.IsDBNull(10) ? null : reader.GetString(10),
            reader.GetFieldValue<DateTimeOffset>(11))
        : new PendingChange(
            reader.GetInt64(7), reader.GetInt64(8), reader.GetInt64(12), reader.GetFieldValue<string[]>(13),
            reader.IsDBNull(14) ? null : reader.GetFieldValue<DateTimeOffset>(14), reader.GetBoolean(15));
}
