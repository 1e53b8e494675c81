using System.Diagnostics;
using System.Globalization;
using Webhooks.Receiver;

namespace Webhooks.Testing;

/// <summary>
/// Records what a receiver under test has handled, each event after its effects are committed, and waits for it. Register it by
/// <c>AddWebhookProbe</c>; one probe may serve several sources, and several nodes.
/// </summary>
public sealed class WebhookProbe : IEventWatch
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<HandledEvent> _handled = [];
    private readonly List<HandlerFailure> _failures = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The events that were settled, in that order: handled, or passed because no handler takes them or their data is void, or parked.</summary>
    public IReadOnlyList<HandledEvent> Handled
    {
        get
        {
            lock (_gate) return [.. _handled];
        }
    }

    /// <summary>The numbers of <see cref="Handled"/>, of events that have one.</summary>
    public IReadOnlyList<long> Seqs => [.. Handled.Select(one => one.Event.Seq).OfType<long>()];

    /// <summary>The failed calls of handlers, in that order.</summary>
    public IReadOnlyList<HandlerFailure> Failures
    {
        get
        {
            lock (_gate) return [.. _failures];
        }
    }

    /// <summary>Waits, in real time, until so many events have been handled.</summary>
    /// <param name="count">How many, at least, since the probe was made.</param>
    /// <param name="timeout">How long; null for 30 s.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns><see cref="Handled"/> then.</returns>
    /// <exception cref="TimeoutException">There were fewer; the message says which, and how the last handler failed.</exception>
    public Task<IReadOnlyList<HandledEvent>> UntilHandledAsync(int count, TimeSpan? timeout = null, CancellationToken ct = default) =>
        UntilAsync(() => Handled is { } handled && handled.Count >= count ? handled : null, $"{count} handled events", timeout, ct);

    /// <summary>Waits, in real time, until an event has been handled; one that was before will do.</summary>
    /// <param name="wanted">Which one.</param>
    /// <param name="timeout">How long; null for 30 s.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The first such event.</returns>
    /// <exception cref="TimeoutException">There was none; the message says which there were, and how the last handler failed.</exception>
    public Task<HandledEvent> UntilHandledAsync(Func<HandledEvent, bool> wanted, TimeSpan? timeout = null, CancellationToken ct = default) =>
        UntilAsync(() => Handled.FirstOrDefault(wanted), "a handled event", timeout, ct);

    /// <summary>Waits, in real time, until a handler has failed so many times.</summary>
    /// <param name="count">How many times, at least, since the probe was made.</param>
    /// <param name="timeout">How long; null for 30 s.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns><see cref="Failures"/> then.</returns>
    /// <exception cref="TimeoutException">There were fewer; the message says which events were handled.</exception>
    public Task<IReadOnlyList<HandlerFailure>> UntilFailedAsync(int count = 1, TimeSpan? timeout = null, CancellationToken ct = default) =>
        UntilAsync(() => Failures is { } failures && failures.Count >= count ? failures : null, $"{count} failures of handlers", timeout, ct);

    void IEventWatch.Settled(WebhookEvent webhookEvent, Settlement how, int attempts) => Add(_handled, new HandledEvent(webhookEvent, how, attempts));

    void IEventWatch.Failed(WebhookEvent webhookEvent, int attempt, Exception failure) => Add(_failures, new HandlerFailure(webhookEvent, attempt, failure));

    private void Add<T>(List<T> list, T one)
    {
        TaskCompletionSource news;
        lock (_gate)
        {
            list.Add(one);
            (news, _news) = (_news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        news.SetResult();
    }

    private async Task<T> UntilAsync<T>(Func<T?> find, string what, TimeSpan? timeout, CancellationToken ct)
        where T : class
    {
        var (limit, watch) = (timeout ?? DefaultTimeout, Stopwatch.StartNew());
        while (true)
        {
            // Taken before the look, so that nothing falls between the two.
            Task news;
            lock (_gate) news = _news.Task;
            if (find() is { } found) return found;
            try
            {
                var left = limit - watch.Elapsed;
                await news.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, ct);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"Waited {limit} for {what}. {Seen()}");
            }
        }
    }

    private string Seen()
    {
        var handled = Handled;
        var last = Failures is [.., var failure]
            ? string.Create(CultureInfo.InvariantCulture, $" The last failure: attempt {failure.Attempt} at {failure.Event.Id}, {failure.Exception.GetType().Name}: {failure.Exception.Message}")
            : " No handler failed.";
        return $"Handled were {handled.Count}: {string.Join(", ", handled.Take(100).Select(one => one.Event.Id))}.{last}";
    }
}
