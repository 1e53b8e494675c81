namespace Webhooks.Receiver;

/// <summary>Events that are to be stored, and who waits for it.</summary>
internal sealed class StoreRequest(IReadOnlyList<InboxEvent> events, StoreRules rules)
{
    private readonly TaskCompletionSource<IReadOnlyList<StoreOutcome>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<InboxEvent> Events => events;

    public StoreRules Rules => rules;

    public Task<IReadOnlyList<StoreOutcome>> Answer => _done.Task;

    public long Bytes { get; } = events.Sum(one => (long)one.Body.Length);

    public void Complete(IReadOnlyList<StoreOutcome> outcomes) => _done.TrySetResult(outcomes);

    public void Fail(Exception failure) => _done.TrySetException(failure);
}

/// <summary>
/// Lets requests of one source that come while a commit is under way share the next one. Without load nobody waits: the first begins at once.
/// </summary>
/// <param name="commit">Stores a batch and completes its requests; what it throws, all that are not completed get.</param>
internal sealed class GroupCommit(Func<IReadOnlyList<StoreRequest>, Task> commit)
{
    /// <summary>A batch ends with the request that brings it to one of these.</summary>
    private const int MaxEvents = 1000;
    private const long MaxBytes = 8 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<StoreRequest> _waiting = [];
    private Task? _running;

    public Task<IReadOnlyList<StoreOutcome>> StoreAsync(IReadOnlyList<InboxEvent> events, StoreRules rules)
    {
        var request = new StoreRequest(events, rules);
        lock (_gate)
        {
            _waiting.Enqueue(request);
            _running ??= Task.Run(RunAsync);
        }

        return request.Answer;
    }

    /// <summary>Ends with what has been asked for until now.</summary>
    public Task IdleAsync()
    {
        lock (_gate) return _running ?? Task.CompletedTask;
    }

    private async Task RunAsync()
    {
        while (Next() is { Count: > 0 } batch)
        {
            try
            {
                await commit(batch).ConfigureAwait(false);
            }
            // Whatever it was, those who wait get it, and the next batch is tried.
            catch (Exception e)
            {
                foreach (var request in batch) request.Fail(e);
            }
        }
    }

    private List<StoreRequest> Next()
    {
        var batch = new List<StoreRequest>();
        var (events, bytes) = (0, 0L);
        lock (_gate)
        {
            while (events < MaxEvents && bytes < MaxBytes && _waiting.TryDequeue(out var request))
            {
                batch.Add(request);
                events += request.Events.Count;
                bytes += request.Bytes;
            }

            if (batch.Count == 0) _running = null;
        }

        return batch;
    }
}
