using System.Globalization;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>The expectations that drills are made of. What is not here, a drill says with <see cref="That"/>.</summary>
internal static class See
{
    /// <param name="words">A sentence without its full stop, such as "the endpoint is paused as gone".</param>
    /// <param name="look">Where it is looked for.</param>
    /// <param name="holds">Whether it is seen.</param>
    /// <param name="seen">What is seen instead, for people.</param>
    public static Expectation That(string words, Look look, Func<Evidence, bool> holds, Func<Evidence, string> seen) =>
        new(words, look, evidence => holds(evidence) ? null : seen(evidence));

    /// <summary>Exactly so many requests came.</summary>
    public static Expectation Requests(int count) => That(
        $"the stub got exactly {Many(count, "request")}", Look.Stub, e => e.One.Requests.Count == count, e => $"{Many(e.One.Requests.Count, "request")}: {List(e.One.Seqs)}");

    public static Expectation AtLeastRequests(int count) => That(
        $"the stub got {Many(count, "request")} or more", Look.Stub, e => e.One.Requests.Count >= count, e => Many(e.One.Requests.Count, "request"));

    /// <summary>The numbers of the requests, one by one, in the order of their arrival.</summary>
    public static Expectation Arrived(params long[] seqs) => That(
        $"the requests held {List(seqs)}", Look.Stub, e => e.One.Seqs.SequenceEqual(seqs), e => $"the requests held {List(e.One.Seqs)}");

    /// <summary>Numbers 1 to count are settled as delivered, each on every endpoint.</summary>
    public static Expectation Delivered(int count) => That(
        count == 1 ? "event 1 is delivered" : $"events 1 to {count} are delivered", Look.Platform,
        e => e.Endpoints.All(one => one.Settled.Count(pair => pair.Value == "delivered") == count && one.Stream?.Cursor >= count),
        e => string.Join("; ", e.Endpoints.Where(one => one.Settled.Count(pair => pair.Value == "delivered") != count).Take(3).Select(Standing)));

    /// <summary>A number is settled so.</summary>
    public static Expectation Settled(long seq, string outcome) => That(
        $"event {seq} is settled as {outcome}", Look.Platform, e => e.One.Settled.GetValueOrDefault(seq) == outcome,
        e => $"it is {e.One.Settled.GetValueOrDefault(seq) ?? "not settled"}");

    /// <param name="reason">Why.</param>
    /// <param name="evidence">What the evidence must tell, in any place of it; null for anything.</param>
    public static Expectation Paused(PauseReason reason, string? evidence = null) => That(
        $"the endpoint is paused as {Word(reason)}{(evidence is null ? "" : $" with evidence of \"{evidence}\"")}", Look.Platform,
        e => e.One.Stream is { Status: EndpointStatus.Paused } stream && stream.PauseReason == reason
            && (evidence is null || stream.PauseEvidence?.Contains(evidence, StringComparison.OrdinalIgnoreCase) == true),
        e => Standing(e.One));

    public static Expectation Active { get; } = That("every endpoint is active", Look.Platform, e => e.Endpoints.All(one => one.Stream?.Status == EndpointStatus.Active),
        e => string.Join("; ", e.Endpoints.Where(one => one.Stream?.Status != EndpointStatus.Active).Take(3).Select(Standing)));

    /// <summary>It looks once at its start, at any moment after that; what a drill changes meanwhile, that look may see or not.</summary>
    public static Expectation Looked { get; } = That("the receiver has looked at the feed after its start", Look.Receiver, e => e.Stream?.FeedReadAt is not null, _ => "it has not yet");

    public static Expectation NeverPaused { get; } = That("no endpoint was ever paused", Look.Platform,
        e => e.Endpoints.All(one => one.Changes.All(change => change.Type != "endpoint.paused")),
        e => string.Join("; ", e.Endpoints.SelectMany(one => one.Changes).Where(change => change.Type == "endpoint.paused").Take(3)
            .Select(change => $"{change.Type} {change.Details}")));

    /// <summary>So many numbers wait behind the cursor.</summary>
    public static Expectation Held(int count) => That(
        $"{Many(count, "event")} wait{(count == 1 ? "s" : "")} behind the pause",
        Look.Platform, e => e.One.Stream is { } stream && stream.Head - stream.Cursor == count, e => Standing(e.One));

    /// <summary>So many failed deliveries in a row are counted.</summary>
    public static Expectation Failures(int count) => That(
        $"{count} failed deliveries in a row are counted", Look.Platform, e => e.One.Stream?.ConsecutiveFailures == count, e => Standing(e.One));

    /// <summary>The failed attempts, one by one, by their outcome's words.</summary>
    public static Expectation Attempts(params string[] outcomes) => That(
        outcomes.Length == 0 ? "no attempt failed" : $"the failed attempts are {string.Join(", ", outcomes)}",
        Look.Platform, e => e.One.Attempts.Select(one => one.Outcome).SequenceEqual(outcomes),
        Failed);

    /// <summary>Attempts failed, all of them so: for what a slow machine may see once more.</summary>
    public static Expectation FailedOnlyAs(string outcome) => That(
        $"attempts failed, and all of them as {outcome}", Look.Platform, e => e.One.Attempts.Count > 0 && e.One.Attempts.All(one => one.Outcome == outcome), Failed);

    /// <summary>Perhaps attempts failed, but then so.</summary>
    public static Expectation FailedAtMostAs(string outcome) => That(
        $"no attempt failed but as {outcome}", Look.Platform, e => e.One.Attempts.All(one => one.Outcome == outcome), Failed);

    /// <summary>The next attempt is due in so many seconds.</summary>
    public static Expectation Due(double low, double high) => That(
        $"the next attempt is due in {low:N0} to {high:N0} s",
        Look.Platform, e => e.One.DueIn >= low && e.One.DueIn <= high, e => e.One.DueIn is { } due ? $"it is due in {due:N1} s" : "nothing is due");

    /// <summary>Between two requests at least so much time passed.</summary>
    /// <param name="first">The earlier one, from 1.</param>
    /// <param name="seconds">How long, unscaled by nature: what an endpoint asks for in whole seconds.</param>
    public static Expectation Waited(int first, double seconds) => That(
        $"at least {seconds:0.##} s passed between request {first} and the next", Look.Stub,
        e => e.One.Requests.Count > first && Between(e, first) >= TimeSpan.FromSeconds(seconds),
        e => e.One.Requests.Count > first ? $"{Between(e, first).TotalSeconds:0.###} s passed" : $"there were {Many(e.One.Requests.Count, "request")}");

    /// <summary>A state was changed so, by whom.</summary>
    public static Expectation Changed(string type, string actor) => That(
        $"{type} by the {actor} is on record", Look.Platform, e => e.One.Changes.Any(change => change.Type == type && change.Actor == actor),
        e => e.One.Changes.Count == 0 ? "nothing is" : string.Join(", ", e.One.Changes.Select(change => $"{change.Type} by {change.Actor}")));

    /// <summary>A counter of the dispatcher in this process has reached a value.</summary>
    /// <param name="name">Without <c>webhooks.dispatcher.</c></param>
    /// <param name="tag">The values of its tags, joined by commas; null for the sum of all.</param>
    /// <param name="value">The value.</param>
    public static Expectation Counted(string name, string? tag, long value) => That(
        $"the counter {name}{(tag is null ? "" : $" ({tag})")} says {value}",
        Look.Stub, e => Count(e, name, tag) == value, e => Count(e, name, tag).ToString(CultureInfo.InvariantCulture));

    /// <summary>The receiver's effects are those of 1 to count, once each, in order.</summary>
    public static Expectation Processed(int count) => That(
        $"the receiver processed events 1 to {count}, each once and in order",
        Look.Receiver, e => e.Effects.Select(effect => effect.Seq).SequenceEqual(Enumerable.Range(1, count).Select(seq => (long)seq)),
        e => $"it processed {List([.. e.Effects.Select(effect => effect.Seq)])}");

    /// <summary>The receiver's effects are those of these numbers, once each, in the order stated.</summary>
    public static Expectation ProcessedJust(params long[] seqs) => That(
        $"the receiver processed {List(seqs)}, each once", Look.Receiver, e => e.Effects.Select(effect => effect.Seq).SequenceEqual(seqs), e => $"it processed {List([.. e.Effects.Select(effect => effect.Seq)])}");

    public static string Many(int count, string what) => count == 1 ? $"one {what}" : string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}s");

    /// <summary>Numbers with runs written as from-to.</summary>
    public static string List(IReadOnlyList<long> seqs)
    {
        if (seqs.Count == 0) return "nothing";
        var runs = new List<string>();
        for (var i = 0; i < seqs.Count;)
        {
            var end = i;
            while (end + 1 < seqs.Count && seqs[end + 1] == seqs[end] + 1) end++;
            runs.Add(end == i ? $"{seqs[i]}" : $"{seqs[i]}-{seqs[end]}");
            i = end + 1;
        }

        return runs.Count <= 30 ? string.Join(", ", runs) : $"{string.Join(", ", runs.Take(30))}, ... ({seqs.Count} in all)";
    }

    /// <summary>Where an endpoint stands, in one line.</summary>
    public static string Standing(EndpointEvidence one)
    {
        if (one.Stream is not { } stream) return $"{one.Target.Id} is not there";
        var why = stream.PauseReason is { } reason ? $" as {Word(reason)} ({stream.PauseEvidence})" : "";
        var failed = one.Attempts.Count == 0 ? "none" : string.Join(", ", one.Attempts.TakeLast(5).Select(attempt => attempt.Outcome));
        return $"it is {stream.Status.ToString().ToLowerInvariant()}{why}, head {stream.Head}, cursor {stream.Cursor}, "
            + $"{stream.ConsecutiveFailures} failures in a row, failed attempts: {failed}";
    }

    private static string Failed(Evidence evidence) =>
        $"they are {(evidence.One.Attempts.Count == 0 ? "none" : string.Join(", ", evidence.One.Attempts.Select(one => one.Outcome)))}";

    private static string Word(PauseReason reason) => reason.ToString().ToLowerInvariant();

    private static TimeSpan Between(Evidence evidence, int first) => evidence.One.Requests[first].Request.ArrivedAt - evidence.One.Requests[first - 1].Request.ArrivedAt;

    private static long Count(Evidence evidence, string name, string? tag) => evidence.Counters
        .Where(counter => counter.Key.Name == $"webhooks.dispatcher.{name}" && (tag is null || counter.Key.Tag == tag)).Sum(counter => counter.Value);
}
