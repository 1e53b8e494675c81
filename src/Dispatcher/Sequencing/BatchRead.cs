using Npgsql;

namespace Webhooks.Dispatcher.Sequencing;

/// <summary>What a batch begins with: the bucket's state, and the lowest visible positions behind it, from one snapshot.</summary>
internal sealed record BatchRead(long Batch, GapSet State, long Xmin, int Period)
{
    /// <summary>In ascending order of position.</summary>
    public required List<Pending> Pending { get; init; }

    /// <summary>The transaction's own id, drawn after the snapshot; 0 where nothing is pending.</summary>
    public required long Horizon { get; init; }

    /// <summary>The first row is the state and the events, those behind it are changes of endpoints; null for no row at all.</summary>
    /// <param name="reader">Stands before the first row.</param>
    /// <param name="most">How many are taken, the lowest.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="InvalidOperationException">What is pending does not come in its order.</exception>
    public static async Task<BatchRead?> ReadAsync(NpgsqlDataReader reader, int most, CancellationToken cancel)
    {
        if (!await reader.ReadAsync(cancel)) return null;
        var (batch, state, xmin, period) = (reader.GetInt64(0), StateOf(reader), reader.GetInt64(5), reader.GetInt32(6));
        var horizon = reader.IsDBNull(7) ? 0 : reader.GetInt64(7);
        var pending = EventsOf(reader);
        var events = pending.Count;
        while (await reader.ReadAsync(cancel))
        {
            pending.Add(new PendingChange(
                reader.GetInt64(16), reader.GetInt64(17), reader.GetInt64(18), reader.GetFieldValue<string[]>(19),
                reader.IsDBNull(20) ? null : reader.GetFieldValue<DateTimeOffset>(20), reader.GetBoolean(21)));
        }

        if (pending.Count > events) pending.Sort((one, other) => one.Position.CompareTo(other.Position));
        if (pending.Count > most) pending.RemoveRange(most, pending.Count - most);
        for (var i = 1; i < pending.Count; i++)
        {
            if (pending[i].Position <= pending[i - 1].Position)
                throw new InvalidOperationException($"Position {pending[i].Position} was read behind position {pending[i - 1].Position}.");
        }

        return new BatchRead(batch, state, xmin, period) { Pending = pending, Horizon = horizon };
    }

    private static GapSet StateOf(NpgsqlDataReader reader)
    {
        var (first, last, horizon) = (reader.GetFieldValue<long[]>(2), reader.GetFieldValue<long[]>(3), reader.GetFieldValue<long[]>(4));
        return new GapSet(reader.GetInt64(1), first.Select((position, i) => new Gap(position, last[i], horizon[i])).ToList());
    }

    private static List<Pending> EventsOf(NpgsqlDataReader reader)
    {
        if (reader.IsDBNull(8)) return [];
        var (positions, applications, types) = (reader.GetFieldValue<long[]>(8), reader.GetFieldValue<long[]>(9), reader.GetFieldValue<string[]>(10));
        var keys = ByPosition<string>(reader, 11, 12);
        var times = ByPosition<DateTimeOffset>(reader, 11, 13);
        var targets = ByPosition<long>(reader, 14, 15);
        var events = new List<Pending>(positions.Length);
        for (var i = 0; i < positions.Length; i++)
        {
            var key = keys is not null && keys.TryGetValue(positions[i], out var given) ? new DedupeKey(given, times![positions[i]]) : null;
            events.Add(new PendingEvent(positions[i], applications[i], types[i], key, targets is not null && targets.TryGetValue(positions[i], out var target) ? target : null));
        }

        return events;
    }

    /// <summary>What only some events have; null where none has it, as hardly ever one has.</summary>
    private static Dictionary<long, T>? ByPosition<T>(NpgsqlDataReader reader, int positions, int values)
    {
        if (reader.IsDBNull(positions)) return null;
        var given = reader.GetFieldValue<T[]>(values);
        return reader.GetFieldValue<long[]>(positions).Select((position, i) => (position, given[i])).ToDictionary();
    }
}
