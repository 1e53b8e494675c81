using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>One source's rows in the inbox file. Every method runs inside the writer's transaction.</summary>
internal static class SqliteShelf
{
    private const string Find = "SELECT seq, epoch, event_id FROM received WHERE source = $source AND seq BETWEEN $from AND $to";

    private const string Insert =
        "INSERT INTO received (source, seq, epoch, event_id, endpoint, body, received_at, from_feed) " +
        "VALUES ($source, $seq, $epoch, $id, $endpoint, $body, $at, $feed)";

    private const string InsertUnnumbered =
        "INSERT INTO unnumbered (source, event_id, body, received_at, type) VALUES ($source, $id, $body, $at, $type) ON CONFLICT DO NOTHING";

    private static readonly string SetFate = SqliteFile.Resource("Inbox/set_unnumbered.sql");

    /// <summary>Reads what is known of a source; the marks come from their own file.</summary>
    public static SqliteTally Load(SqliteConnection file, string source)
    {
        file.Run("INSERT INTO source (name) VALUES ($source) ON CONFLICT DO NOTHING", ("$source", source));
        var tally = new SqliteTally(source, Revision(file, source));
        using (var command = file.Command("SELECT endpoint, suspect, received, backfilled, duplicates, hold FROM source WHERE name = $source", ("$source", source)))
        using (var row = command.ExecuteReader())
        {
            row.Read();
            tally.Endpoint = row.IsDBNull(0) ? null : row.GetString(0);
            tally.Suspect = row.GetBoolean(1);
            tally.Counts = new InboxCounts { Received = row.GetInt64(2), Backfilled = row.GetInt64(3), Duplicates = row.GetInt64(4) };
            tally.Hold = row.IsDBNull(5) ? null : StoredHold.Read(row.GetString(5));
        }

        using (var command = file.Command("SELECT epoch, seq FROM epoch WHERE source = $source", ("$source", source)))
        using (var row = command.ExecuteReader())
            while (row.Read()) tally.Epochs = tally.Epochs.With(new EpochStart(row.GetInt32(0), row.GetInt64(1)));

        using (var command = file.Command("SELECT from_seq, to_seq FROM lost WHERE source = $source", ("$source", source)))
        using (var row = command.ExecuteReader())
            while (row.Read()) tally.Lost.Add(new SeqRange(row.GetInt64(0), row.GetInt64(1)));

        using (var command = file.Command("SELECT seq, epoch, hold FROM event_hold WHERE source = $source", ("$source", source)))
        using (var row = command.ExecuteReader())
            while (row.Read()) tally.EventHolds.Add((row.GetInt64(0), row.GetInt32(1)), StoredHold.Read(row.GetString(2))!);

        using (var command = file.Command("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0), coalesce(max(epoch), 0) FROM received WHERE source = $source", ("$source", source)))
        using (var row = command.ExecuteReader())
        {
            row.Read();
            (tally.Lowest, tally.Highest, tally.HighestEpoch) = (row.GetInt64(0), row.GetInt64(1), row.GetInt32(2));
        }

        tally.HighestEpochLowest = Number(file, "SELECT coalesce(min(seq), 0) FROM received WHERE source = $source AND epoch = $epoch",
            ("$source", source), ("$epoch", tally.HighestEpoch));
        tally.UnnumberedWaiting = Number(file, "SELECT count(*) FROM unnumbered WHERE source = $source AND done = 0", ("$source", source));
        tally.UnnumberedFailed = Number(file, "SELECT count(*) FROM unnumbered WHERE source = $source AND done = 0 AND attempts > 0 AND retry_at IS NULL", ("$source", source));
        return tally;
    }

    /// <summary>Places the watermark in a tally.</summary>
    public static void Place(SqliteConnection file, string source, InboxTally tally, StreamPosition? position) => tally.Reset(
        position, seq => NumbersAfter(file, source, tally.Epochs, seq), seq => Stored(file, source, seq));

    /// <summary>Stores events. What is stored already is asked for once, and not once for each.</summary>
    public static IReadOnlyList<StoreOutcome> Store(SqliteConnection file, string source, InboxTally tally, IReadOnlyList<InboxEvent> events, StoreRules rules)
    {
        var stored = StoredIds(file, source, events);
        return StoreDecision.StoreAll(
            events, tally, one => IdOf(one, tally, stored), rules, (one, each) => Store(file, source, tally, one, stored, each));
    }

    private static StoreOutcome Store(
        SqliteConnection file, string source, InboxTally tally, InboxEvent one, Dictionary<(long, int), string> stored, StoreRules rules)
    {
        var outcome = one.Seq == 0 ? StoreUnnumbered(file, source, tally, one, rules) : StoreNumbered(file, source, tally, one, stored, rules);
        if (outcome == StoreOutcome.Stored) tally.Added(one, seq => NumbersAfter(file, source, tally.Epochs, seq));
        if (outcome == StoreOutcome.Duplicate) tally.Counts = tally.Counts with { Duplicates = tally.Counts.Duplicates + 1 };
        if (outcome == StoreOutcome.Conflict) tally.Hold = StoreDecision.ConflictOf(one);
        return outcome;
    }

    /// <summary>Writes what a batch has changed of a source's own row.</summary>
    public static void Save(SqliteConnection file, SqliteTally tally) => file.RunPrepared(
        "UPDATE source SET endpoint = $endpoint, suspect = $suspect, received = $received, backfilled = $backfilled, duplicates = $duplicates, hold = $hold, revision = $revision WHERE name = $source",
        ("$source", tally.Source), ("$endpoint", tally.Endpoint), ("$suspect", tally.Suspect), ("$received", tally.Counts.Received),
        ("$backfilled", tally.Counts.Backfilled), ("$duplicates", tally.Counts.Duplicates), ("$hold", StoredHold.Write(tally.Hold)),
        ("$revision", ++tally.Revision));

    public static long Revision(SqliteConnection file, string source) =>
        file.NumberPrepared("SELECT coalesce(max(revision), 0) FROM source WHERE name = $source", ("$source", source));

    /// <summary>Records where an epoch begins; a later one takes back what was recorded as lost from there on.</summary>
    public static void Begin(SqliteConnection file, string source, InboxTally tally, EpochStart epoch)
    {
        if (file.Run("INSERT INTO epoch (source, epoch, seq) VALUES ($source, $epoch, $seq) ON CONFLICT DO NOTHING",
            ("$source", source), ("$epoch", epoch.Epoch), ("$seq", epoch.Seq)) == 0) return;
        tally.Begin(epoch);
        file.Run("DELETE FROM lost WHERE source = $source", ("$source", source));
        foreach (var range in tally.Lost)
            file.Run("INSERT OR REPLACE INTO lost (source, from_seq, to_seq) VALUES ($source, $from, $to)", ("$source", source), ("$from", range.From), ("$to", range.To));
    }

    /// <summary>Has events tried again that wait for something by themselves: those of the stream at once, those without a number when they were given up.</summary>
    public static void RetryEvents(SqliteConnection file, string source, InboxTally tally)
    {
        if (tally.UnnumberedFailed > 0)
            file.Run("UPDATE unnumbered SET attempts = 0 WHERE source = $source AND done = 0 AND attempts > 0 AND retry_at IS NULL", ("$source", source));
        file.Run("DELETE FROM event_hold WHERE source = $source", ("$source", source));
        tally.UnnumberedFailed = 0;
        tally.EventHolds.Clear();
    }

    /// <summary>Stores what an event of the stream waits for.</summary>
    public static void SetEventHold(SqliteConnection file, string source, InboxTally tally, EventKey key, StreamHold? hold)
    {
        tally.SetEventHold(key, hold);
        (string, object?) of = ("$source", source), seq = ("$seq", key.Seq), epoch = ("$epoch", key.Epoch);
        if (hold is null) file.Run("DELETE FROM event_hold WHERE source = $source AND seq = $seq AND epoch = $epoch", of, seq, epoch);
        else file.Run("INSERT OR REPLACE INTO event_hold (source, seq, epoch, hold) VALUES ($source, $seq, $epoch, $hold)", of, seq, epoch, ("$hold", StoredHold.Write(hold)));
    }

    /// <summary>Stores how an event without a number fares.</summary>
    public static void SetUnnumbered(SqliteConnection file, string source, InboxTally tally, string id, StreamHold? hold)
    {
        (string, object?) of = ("$source", source), one = ("$id", id);
        var wasFailed = Number(file,
            "SELECT count(*) FROM unnumbered WHERE source = $source AND event_id = $id AND done = 0 AND attempts > 0 AND retry_at IS NULL", of, one);
        var changed = file.Run(SetFate, of, one, ("$done", hold is null), ("$attempts", hold?.Attempts ?? 0), ("$retry", hold?.RetryAt?.ToUnixTimeMilliseconds()),
            ("$error", hold?.Detail), ("$at", hold?.At?.ToUnixTimeMilliseconds()));
        if (hold is null) tally.UnnumberedWaiting -= changed;
        tally.UnnumberedFailed += (hold is { RetryAt: null } ? changed : 0) - wasFailed;
    }

    /// <summary>The stored numbers that count after one, in order, read as far as the caller goes.</summary>
    public static IEnumerable<long> NumbersAfter(SqliteConnection file, string source, EpochMap epochs, long after) =>
        Stored(file, source, after).Where(one => epochs.Counts(one.Epoch, one.Seq)).Select(one => one.Seq);

    private static IEnumerable<EpochStart> Stored(SqliteConnection file, string source, long after)
    {
        using var command = file.Command("SELECT seq, epoch FROM received WHERE source = $source AND seq > $seq ORDER BY seq, epoch", ("$source", source), ("$seq", after));
        using var row = command.ExecuteReader();
        while (row.Read()) yield return new EpochStart(row.GetInt32(1), row.GetInt64(0));
    }

    public static long Number(SqliteConnection file, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = file.Command(sql, parameters);
        return (long)command.ExecuteScalar()!;
    }

    private static Dictionary<(long Seq, int Epoch), string> StoredIds(SqliteConnection file, string source, IReadOnlyList<InboxEvent> events)
    {
        var stored = new Dictionary<(long, int), string>();
        if (events.All(one => one.Seq == 0)) return stored;
        using var row = file.ReadPrepared(Find, ("$source", source), ("$from", events.Min(one => one.Seq)), ("$to", events.Max(one => one.Seq)));
        while (row.Read()) stored.Add((row.GetInt64(0), row.GetInt32(1)), row.GetString(2));
        return stored;
    }

    private static string? IdOf(InboxEvent one, InboxTally tally, Dictionary<(long, int), string> stored) =>
        StoreDecision.StoredId(one, tally.Epochs, key => stored.GetValueOrDefault(key));

    private static StoreOutcome StoreNumbered(
        SqliteConnection file, string source, InboxTally tally, InboxEvent one, Dictionary<(long, int), string> stored, StoreRules rules)
    {
        var outcome = StoreDecision.Decide(one, tally, IdOf(one, tally, stored), rules);
        if (outcome != StoreOutcome.Stored) return outcome;
        tally.Endpoint ??= one.Endpoint;
        stored.Add((one.Seq, one.Epoch), one.Id);
        file.RunPrepared(Insert, ("$source", source), ("$seq", one.Seq), ("$epoch", one.Epoch), ("$id", one.Id), ("$endpoint", one.Endpoint),
            ("$body", one.Body.ToArray()), ("$at", one.ReceivedAt.ToUnixTimeMilliseconds()), ("$feed", one.FromFeed));
        return outcome;
    }

    private static StoreOutcome StoreUnnumbered(SqliteConnection file, string source, InboxTally tally, InboxEvent one, StoreRules rules)
    {
        if (tally.UnnumberedWaiting >= rules.Limit) return StoreOutcome.Full;
        return file.RunPrepared(InsertUnnumbered, ("$source", source), ("$id", one.Id), ("$body", one.Body.ToArray()),
            ("$at", one.ReceivedAt.ToUnixTimeMilliseconds()), ("$type", one.Type)) == 1 ? StoreOutcome.Stored : StoreOutcome.Duplicate;
    }
}
