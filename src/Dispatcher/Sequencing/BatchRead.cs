using Npgsql;

namespace Webhooks.Dispatcher.Sequencing;

/// <summary>What a batch begins with: the bucket's state, and the lowest visible positions behind it, from one snapshot.</summary>
internal sealed record BatchRead(long Batch, GapSet State, long Xmin, int Period)
{
    // Events that are for one endpoint alone, by their places. Hardly ever any.
    private Dictionary<long, long>? _targets;

    public List<Pending> Pending { get; } = [];

    /// <summary>The transaction's own id, drawn after the snapshot; 0 where nothing is pending.</summary>
    public long Horizon { get; private set; }

    /// <summary>The first row is the state, those behind it are what is pending; null for no row at all.</summary>
    /// <exception cref="InvalidOperationException">The rows do not come in this order.</exception>
    public static async Task<BatchRead?> ReadAsync(NpgsqlDataReader reader, CancellationToken cancel)
    {
        if (!await reader.ReadAsync(cancel)) return null;
        var read = FromState(reader);
        while (await reader.ReadAsync(cancel))
        {
            if (read.Pending.Count == 0) read.Horizon = reader.GetInt64(7);
            var pending = read.ReadPending(reader);
            if (read.Pending.Count > 0 && pending.Position <= read.Pending[^1].Position)
                throw new InvalidOperationException($"Position {pending.Position} was read behind position {read.Pending[^1].Position}.");
            read.Pending.Add(pending);
        }

        return read;
    }

    private static BatchRead FromState(NpgsqlDataReader reader)
    {
        var read = StateOf(reader);
        if (reader.IsDBNull(17)) return read;
        var (positions, endpoints) = (reader.GetFieldValue<long[]>(17), reader.GetFieldValue<long[]>(18));
        read._targets = positions.Select((position, i) => (position, endpoints[i])).ToDictionary();
        return read;
    }

    private static BatchRead StateOf(NpgsqlDataReader reader)
    {
        var first = reader.GetFieldValue<long[]>(2);
        var last = reader.GetFieldValue<long[]>(3);
        var horizon = reader.GetFieldValue<long[]>(4);
        var gaps = first.Select((position, i) => new Gap(position, last[i], horizon[i])).ToList();
        return new BatchRead(reader.GetInt64(0), new GapSet(reader.GetInt64(1), gaps), reader.GetInt64(5), reader.GetInt32(6));
    }

    private Pending ReadPending(NpgsqlDataReader reader) => reader.IsDBNull(13)
        ? new PendingEvent(
            reader.GetInt64(8), reader.GetInt64(9), reader.GetString(10), reader.IsDBNull(11) ? null : reader.GetString(11),
            reader.GetFieldValue<DateTimeOffset>(12), _targets is not null && _targets.TryGetValue(reader.GetInt64(8), out var target) ? target : null)
        : new PendingChange(
            reader.GetInt64(8), reader.GetInt64(9), reader.GetInt64(13), reader.GetFieldValue<string[]>(14),
            reader.IsDBNull(15) ? null : reader.GetFieldValue<DateTimeOffset>(15), reader.GetBoolean(16));
}
