namespace Webhooks.Chaos.Judging;

/// <summary>What is in the books that must not be, and how much was there.</summary>
internal sealed record Judgement(IReadOnlyList<Finding> Findings, long Effects, long Resent, long Duplicates)
{
    public bool Balanced => Findings.Count == 0;

    public int Count(Wrong wrong) => Findings.Count(finding => finding.Wrong == wrong);
}

/// <summary>Compares what was published with what took effect, number by number; pure.</summary>
internal static class Ledger
{
    // A right receiver says these to bad requests only, and ours are good.
    private static readonly HashSet<int> Refusals = [400, 401, 404, 405, 408, 409, 413, 415];

    public static Judgement Judge(Books books)
    {
        var published = books.Published.ToDictionary(row => row.EventId);
        var duplicates = books.Endpoints.Select(endpoint => (endpoint, Sent: SentAgain.Judge(endpoint, books.Incidents))).ToList();
        var findings = Keys(books)
            .Concat(books.Crashes.Select(name => new Finding(Wrong.Crashed, null, null, $"the {name} ended by itself")))
            .Concat(books.Endpoints.SelectMany(endpoint =>
                Numbering(endpoint, books, published).Concat(Effects(endpoint, published)).Concat(Order(endpoint, published)).Concat(Wire(endpoint, published))
                    .Concat(Settled(endpoint))))
            .Concat(duplicates.SelectMany(one => one.Sent.Findings));
        return new Judgement(
            [.. findings], books.Endpoints.Sum(endpoint => (long)endpoint.Effects.Count), duplicates.Sum(one => one.Sent.Resent),
            duplicates.Sum(one => one.Sent.Duplicates));
    }

    private static IEnumerable<Finding> Keys(Books books) =>
        from row in books.Published
        where row.DedupeKey is not null
        group row by (row.Application, row.DedupeKey) into same
        let kept = same.Count(row => !books.Duplicates.Contains(row.EventId))
        where kept != 1
        select new Finding(Wrong.Deduplication, null, null, $"{kept} of {same.Count()} events with the key {same.Key.DedupeKey} of {same.Key.Application} were kept");

    /// <summary>Is each event that matched in the stream, once, and nothing else, without a hole.</summary>
    private static IEnumerable<Finding> Numbering(EndpointBooks endpoint, Books books, Dictionary<string, PublishedRow> published)
    {
        var next = 1L;
        foreach (var delivery in endpoint.Deliveries.OrderBy(delivery => delivery.Seq))
        {
            if (delivery.Seq != next) yield return new(Wrong.Hole, endpoint, next, $"the stream goes on with {delivery.Seq}");
            next = delivery.Seq + 1;
        }

        foreach (var same in endpoint.Deliveries.GroupBy(delivery => delivery.EventId))
        {
            var seq = same.First().Seq;
            if (same.Count() > 1) yield return new(Wrong.Twice, endpoint, seq, $"{same.Key} has {same.Count()} numbers");
            if (!published.TryGetValue(same.Key, out var row)) yield return new(Wrong.RolledBackDelivered, endpoint, seq, $"{same.Key} was numbered and never committed");
            else if (row.Application != endpoint.Application || !Matching.May(endpoint, row)) yield return new(Wrong.Misrouted, endpoint, seq, $"{row} does not match");
            else if (books.Duplicates.Contains(same.Key)) yield return new(Wrong.Deduplication, endpoint, seq, $"{same.Key} is a duplicate and has a number");
        }

        var numbered = endpoint.Deliveries.Select(delivery => delivery.EventId).ToHashSet();
        foreach (var row in books.Published)
        {
            if (row.Application == endpoint.Application && !books.Duplicates.Contains(row.EventId) && !numbered.Contains(row.EventId) && Matching.Must(endpoint, row))
                yield return new(Wrong.Lost, endpoint, null, $"{row} was never numbered");
        }
    }

    /// <summary>Did each number take effect, once, as the event that has it. A deleted endpoint may have got only the first of them.</summary>
    private static IEnumerable<Finding> Effects(EndpointBooks endpoint, Dictionary<string, PublishedRow> published)
    {
        var stream = endpoint.Deliveries.GroupBy(delivery => delivery.Seq).ToDictionary(same => same.Key, same => same.First().EventId);
        var last = 0L;
        var done = new HashSet<string>();
        foreach (var effect in endpoint.Effects)
        {
            if (!done.Add(effect.EventId)) yield return new(Wrong.Twice, endpoint, effect.Seq, $"{effect.EventId} took effect again");
            else if (effect.Seq < last) yield return new(Wrong.Reordered, endpoint, effect.Seq, $"took effect after {last}");
            last = Math.Max(last, effect.Seq);
            if (!published.TryGetValue(effect.EventId, out var row)) yield return new(Wrong.RolledBackDelivered, endpoint, effect.Seq, $"{effect.EventId} took effect and was never committed");
            else if (stream.GetValueOrDefault(effect.Seq) != effect.EventId) yield return new(Wrong.Misrouted, endpoint, effect.Seq, $"{effect.EventId} took effect as a number that it has not");
            else if (row.Sha256 != effect.Sha256) yield return new(Wrong.Altered, endpoint, effect.Seq, $"{effect.EventId} is not as published");
        }

        var expected = endpoint.IsDeleted ? endpoint.Deliveries.Where(delivery => delivery.Seq <= last) : endpoint.Deliveries;
        foreach (var delivery in expected)
            if (!done.Contains(delivery.EventId)) yield return new(Wrong.Lost, endpoint, delivery.Seq, $"{delivery.EventId} took no effect");
    }

    /// <summary>What one publisher committed one after the other has rising numbers.</summary>
    private static IEnumerable<Finding> Order(EndpointBooks endpoint, Dictionary<string, PublishedRow> published)
    {
        var lanes = new Dictionary<string, int>();
        foreach (var delivery in endpoint.Deliveries.OrderBy(delivery => delivery.Seq))
        {
            if (!published.TryGetValue(delivery.EventId, out var row)) continue;
            if (lanes.TryGetValue(row.Lane, out var before) && row.Number < before)
                yield return new(Wrong.Reordered, endpoint, delivery.Seq, $"{row.EventId} is number {row.Number} of {row.Lane}, and comes after its number {before}");
            lanes[row.Lane] = row.Number;
        }
    }

    /// <summary>Did n+1 come first only after n was accepted, or settled otherwise; and was all of it good.</summary>
    private static IEnumerable<Finding> Wire(EndpointBooks endpoint, Dictionary<string, PublishedRow> published)
    {
        var accepted = new Dictionary<long, DateTime>();
        foreach (var request in endpoint.Wire.Where(request => request.IsAccepted))
            for (var seq = request.From; seq <= request.To; seq++)
                if (!accepted.TryGetValue(seq, out var earlier) || request.Answered < earlier) accepted[seq] = request.Answered!.Value;
        var first = new HashSet<long>();
        foreach (var request in endpoint.Wire)
        {
            if (request.Status is { } status && Refusals.Contains(status))
                yield return new(Wrong.Rejected, endpoint, request.From, $"{request.Id} was answered {status}");
            if (endpoint.Ordering != Ordering.Batch && !published.ContainsKey(request.Id))
                yield return new(Wrong.RolledBackDelivered, endpoint, request.From, $"{request.Id} was sent and never committed");
            var before = request.From - 1;
            if (first.Add(request.From) && endpoint.Ordering != Ordering.Relaxed && before > 0 && !(accepted.TryGetValue(before, out var at) && at <= request.Arrived)
                && !endpoint.Settlements.Any(row => row.Outcome is not ("delivered" or "rewound" or "deferred" or "replayed") && row.First <= before && before <= row.Last && row.At <= request.Arrived))
                yield return new(Wrong.ReorderedOnTheWire, endpoint, request.From, $"came at {request.Arrived:O}, and {before} was not accepted before that");
            for (var seq = request.From + 1; seq <= request.To; seq++) first.Add(seq);
        }
    }

    /// <summary>The dispatcher's own tables: all numbers settled, nothing leased or paused.</summary>
    private static IEnumerable<Finding> Settled(EndpointBooks endpoint)
    {
        var (state, head) = (endpoint.State, endpoint.Deliveries.Count == 0 ? 0 : endpoint.Deliveries.Max(delivery => delivery.Seq));
        if (state.LeaseOwner is { } owner) yield return new(Wrong.Unsettled, endpoint, null, $"is still leased to {owner}");
        if (endpoint.IsDeleted) yield break;
        if (state.Status != "active") yield return new(Wrong.Unsettled, endpoint, null, $"is {state.Status}");
        if (state.Head != head || state.Cursor != head) yield return new(Wrong.Unsettled, endpoint, state.Cursor, $"head {state.Head}, cursor {state.Cursor}, {head} numbered");
        var settled = 0L;
        // A deferred number is settled by the end of its retries; a run may be empty, and say only what was accepted ahead of the cursor.
        foreach (var row in endpoint.Settlements.Where(row => row.Outcome is not ("rewound" or "deferred" or "replayed") && row.First <= row.Last).OrderBy(row => row.First))
        {
            if (row.First > settled + 1) yield return new(Wrong.Unsettled, endpoint, settled + 1, $"no settlement between {settled} and {row.First}");
            settled = Math.Max(settled, row.Last);
        }

        if (settled != head) yield return new(Wrong.Unsettled, endpoint, settled, $"settlements end at {settled}, the stream at {head}");
    }
}
