using Npgsql;

namespace Webhooks.Receiver;

/// <summary>One transaction of intake: reads what the decisions about a batch need, decides, and says what is to be written.</summary>
internal sealed class StoreRound
{
    /// <summary>How many numbers beyond a gap are read at once.</summary>
    private const int Look = 1000;

    private readonly Dictionary<(long, int), string> _stored = [];
    private readonly HashSet<string> _unnumbered = new(StringComparer.Ordinal);
    private readonly SortedSet<(long Seq, int Epoch)> _numbers = [];
    private readonly List<InboxEvent> _new = [];
    private (long Seq, int Epoch)? _lookedTo;

    private StoreRound(PostgreSqlTally tally) => Tally = tally;

    public PostgreSqlTally Tally { get; }

    /// <summary>Whether numbers that were not read may follow those that are known to be there without a gap.</summary>
    public bool MayGoOn => _lookedTo is { } last && Tally.Contiguous >= last.Seq;

    /// <summary>Locks the source and reads, in one round trip.</summary>
    public static async Task<StoreRound> BeginAsync(
        InboxDatabase database, NpgsqlConnection connection, string source, IReadOnlyList<StoreRequest> requests, CancellationToken cancellationToken)
    {
        var events = requests.SelectMany(request => request.Events).ToList();
        var numbers = events.Where(one => one.Seq > 0).Select(one => one.Seq).Distinct().ToArray();
        var ids = events.Where(one => one.Seq == 0).Select(one => one.Id).Distinct(StringComparer.Ordinal).ToArray();
        var batch = new NpgsqlBatch(connection);
        await using var _ = batch.ConfigureAwait(false);
        foreach (var step in database.Begin()) batch.BatchCommands.Add(step);
        batch.BatchCommands.Add(database.Step("Inbox/lock_source", source));
        batch.BatchCommands.Add(database.Step("Inbox/read_progress", source, requests.Min(request => (long)request.Rules.Limit)));
        batch.BatchCommands.Add(database.Step("Inbox/find_stored", source, numbers));
        batch.BatchCommands.Add(database.Step("Inbox/find_beyond_gap", source, numbers, Look));
        if (ids.Length > 0) batch.BatchCommands.Add(database.Step("Inbox/find_unnumbered", source, ids));
        var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = row.ConfigureAwait(false);
        var round = new StoreRound(await PostgreSqlTally.ReadAsync(source, row, cancellationToken).ConfigureAwait(false));
        await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) round._stored.Add((row.GetInt64(0), row.GetInt32(1)), row.GetString(2));
        await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) round._numbers.Add((row.GetInt64(0), row.GetInt32(1)));
        if (round._numbers.Count == Look) round._lookedTo = round._numbers.Max;
        if (ids.Length == 0) return round;
        await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) round._unnumbered.Add(row.GetString(0));
        return round;
    }

    public IReadOnlyList<StoreOutcome> Decide(StoreRequest request) =>
        StoreDecision.StoreAll(request.Events, Tally, IdOf, request.Rules, Store);

    /// <summary>The rows to be written.</summary>
    public IEnumerable<NpgsqlBatchCommand> Inserts(InboxDatabase database)
    {
        var numbered = _new.Where(one => one.Seq > 0).ToList();
        if (numbered.Count > 0)
        {
            yield return database.Step(
                "Inbox/insert_received", Tally.Source, numbered.Select(one => one.Seq).ToArray(), numbered.Select(one => one.Epoch).ToArray(),
                numbered.Select(one => one.Id).ToArray(), Bodies(numbered), Times(numbered), numbered.Select(one => one.FromFeed).ToArray());
        }

        var unnumbered = _new.Where(one => one.Seq == 0).ToList();
        if (unnumbered.Count > 0)
        {
            yield return database.Step(
                "Inbox/insert_unnumbered", Tally.Source, unnumbered.Select(one => one.Id).ToArray(), unnumbered.Select(one => one.Type).ToArray(),
                Bodies(unnumbered), Times(unnumbered));
        }
    }

    private string? IdOf(InboxEvent one) => StoreDecision.StoredId(one, Tally.Epochs, key => _stored.GetValueOrDefault(key));

    private StoreOutcome Store(InboxEvent one, StoreRules rules)
    {
        var outcome = one.Seq > 0
            ? StoreDecision.Decide(one, Tally, IdOf(one), rules)
            : _unnumbered.Contains(one.Id) ? StoreOutcome.Duplicate : Tally.UnnumberedWaiting >= rules.Limit ? StoreOutcome.Full : StoreOutcome.Stored;
        if (outcome == StoreOutcome.Duplicate) Tally.Counts = Tally.Counts with { Duplicates = Tally.Counts.Duplicates + 1 };
        if (outcome == StoreOutcome.Conflict) Tally.Hold = StoreDecision.ConflictOf(one);
        if (outcome != StoreOutcome.Stored) return outcome;
        _new.Add(one);
        if (one.Seq == 0) _unnumbered.Add(one.Id);
        else
        {
            Tally.Endpoint ??= one.Endpoint;
            _stored.Add((one.Seq, one.Epoch), one.Id);
            _numbers.Add((one.Seq, one.Epoch));
        }

        Tally.Added(one, NumbersAfter);
        return outcome;
    }

    private IEnumerable<long> NumbersAfter(long seq) =>
        _numbers.GetViewBetween((seq + 1, 0), (long.MaxValue, int.MaxValue)).Where(one => Tally.Epochs.Counts(one.Epoch, one.Seq)).Select(one => one.Seq);

    private static byte[][] Bodies(List<InboxEvent> events) => [.. events.Select(one => one.Body.ToArray())];

    private static DateTimeOffset[] Times(List<InboxEvent> events) => [.. events.Select(one => one.ReceivedAt.ToUniversalTime())];
}
