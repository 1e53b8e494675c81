using Webhooks.Conformance.Feed;
using Webhooks.Conformance.Observing;
using Webhooks.Conformance.Sending;
using Webhooks.Conformance.Wire;
using Webhooks.Signing;

namespace Webhooks.Conformance.Cases;

/// <summary>What a case works with.</summary>
internal sealed class CaseRun(SuiteSettings settings, SenderStream stream, SenderFeed? feed, Observer? observer, CancellationToken cancel)
{
    private readonly WireClient _client = new(settings.Patience);
    private readonly List<string> _problems = [];

    public SuiteSettings Settings => settings;

    public SenderStream Stream => stream;

    public SenderFeed Feed => feed ?? throw new InvalidOperationException("The case does not say that it needs the feed.");

    public bool HasObserver => observer is not null;

    public CancellationToken Cancel => cancel;

    public IReadOnlyList<string> Problems => _problems;

    public Uri Url => settings.Nodes[0];

    /// <summary>Something is wrong; the case goes on, to find what else is.</summary>
    public void Problem(string what) => _problems.Add(what);

    public Attempt Attempt(SentEvent one, params WebhookSecret[] secrets) => new(one.Id, one.Body, secrets.Length > 0 ? secrets : [settings.Secret]);

    public Task<WireAnswer> SendAsync(Attempt attempt, int node = 0) => _client.SendAsync(settings.Nodes[node], attempt.ToRequest(), cancel);

    /// <summary>Delivers an event as a sender does.</summary>
    public async Task<WireAnswer> DeliverAsync(SentEvent one, int node = 0)
    {
        var answer = await SendAsync(Attempt(one), node);
        if (answer.IsAccepted) stream.Accepted(one.Seq);
        return answer;
    }

    /// <summary>Delivers an event, which must be accepted.</summary>
    public async Task AcceptAsync(SentEvent one, string what = "a valid delivery", int node = 0)
    {
        var answer = await DeliverAsync(one, node);
        if (!answer.IsAccepted) throw new CaseFailedException($"{what} (number {one.Seq}) was answered {answer}, not 2xx");
    }

    /// <summary>Sends an attempt at a published event, which must be accepted.</summary>
    public async Task AcceptAsync(SentEvent one, Attempt attempt, string what)
    {
        var answer = await SendAsync(attempt);
        if (answer.IsAccepted) stream.Accepted(one.Seq);
        else Problem($"{what} was answered {answer}, not 2xx");
    }

    /// <summary>Waits until all are handled, and holds how often and in which order against what it should be.</summary>
    public async Task HandledOnceAsync(params IReadOnlyList<SentEvent> events)
    {
        if (observer is null) return;
        var wanted = events.Select(one => one.Id).ToHashSet();
        var all = await observer.UntilAsync(handled => wanted.IsSubsetOf(handled.Select(one => one.Id)), settings.Patience, cancel);
        var missing = events.Where(one => all.All(known => known.Id != one.Id)).ToList();
        if (missing.Count > 0)
            throw new CaseFailedException($"not handled within {settings.Patience.TotalSeconds:0.#} s: {Numbers(missing)}");
        var twice = all.Where(one => wanted.Contains(one.Id)).GroupBy(one => one.Id).Where(group => group.Count() > 1).ToList();
        if (twice.Count > 0)
            throw new CaseFailedException($"handled more than once: {string.Join(", ", twice.Take(5).Select(group => $"{group.Key} {group.Count()} times"))}");
        if (settings.IsUnordered) return;
        var order = all.Where(one => wanted.Contains(one.Id)).Select(one => events.First(known => known.Id == one.Id).Seq).ToList();
        if (!order.SequenceEqual(order.Order()))
            throw new CaseFailedException($"handled out of order: {string.Join(", ", order.Take(20))}");
    }

    /// <summary>Waits until all are handled; how often is not this case's matter.</summary>
    public async Task HandledAtLeastOnceAsync(string otherwise, IReadOnlyList<SentEvent> events)
    {
        var wanted = events.Select(one => one.Id).ToHashSet();
        var all = await observer!.UntilAsync(handled => wanted.IsSubsetOf(handled.Select(one => one.Id)), settings.Patience, cancel);
        wanted.ExceptWith(all.Select(one => one.Id));
        if (wanted.Count > 0) throw new CaseFailedException($"{otherwise}: {Numbers([.. events.Where(one => wanted.Contains(one.Id))])}");
    }

    /// <summary>What the receiver has handled so far.</summary>
    public async Task<IReadOnlyList<Handled>> HandledAsync() => await observer!.ReadAsync(cancel);

    /// <summary>Holds the ids of what must not have been handled against what was.</summary>
    public async Task NeverHandledAsync(IEnumerable<SentEvent> forged)
    {
        if (observer is null) return;
        var ids = (await HandledAsync()).Select(one => one.Id).ToHashSet();
        foreach (var one in forged.Where(one => ids.Contains(one.Id))) Problem($"{one.Id} was handled, although it had to be refused");
    }

    /// <summary>Kills the receiver, and waits until it takes connections again.</summary>
    public async Task RestartAsync()
    {
        await settings.Restart!(cancel);
        await ReachableAsync();
    }

    public async Task ReachableAsync()
    {
        var until = DateTime.UtcNow + settings.Patience;
        foreach (var node in settings.Nodes)
        {
            while (await TroubleAsync(node) is { } trouble)
            {
                if (DateTime.UtcNow > until) throw new EnvironmentTroubleException($"{node} cannot be reached: {trouble}");
                await Task.Delay(50, cancel);
            }
        }
    }

    private async Task<string?> TroubleAsync(Uri node)
    {
        try
        {
            await using var connection = await WireConnection.OpenAsync(node, cancel);
            return null;
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException or System.Security.Authentication.AuthenticationException)
        {
            return e.Message;
        }
    }

    private static string Numbers(IReadOnlyList<SentEvent> events) =>
        string.Join(", ", events.Take(10).Select(one => one.Seq)) + (events.Count > 10 ? $" and {events.Count - 10} more" : "");
}
