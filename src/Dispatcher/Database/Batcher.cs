using System.Threading.Channels;

namespace Webhooks.Dispatcher.Database;

/// <summary>
/// Lets many callers share one round trip: while a batch is under way, what is asked for gathers for the next. Without load nobody waits.
/// </summary>
/// <typeparam name="TItem">What a caller asks for.</typeparam>
/// <typeparam name="TResult">What it gets.</typeparam>
internal sealed class Batcher<TItem, TResult> : IAsyncDisposable
{
    /// <summary>How many bytes a batch has before no further item is added to it.</summary>
    public const long MaxBytes = 8 * 1024 * 1024;

    private readonly Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> _run;
    private readonly int _size;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _perItem;
    private readonly Func<TItem, long>? _bytesOf;
    private readonly TimeProvider _time;
    private readonly Channel<Waiting> _waiting;
    private readonly Task _loop;

    /// <summary>Starts batching.</summary>
    /// <param name="run">Does a batch and gives a result for each item, in their order. What it throws, all its callers get.</param>
    /// <param name="size">The greatest batch.</param>
    /// <param name="time">Measures the interval.</param>
    /// <param name="interval">The least time between the beginnings of two batches.</param>
    /// <param name="perItem">How much longer it is for each item of the batch before, up to three times as long in all: what costs the server the same for each item is asked for less often.</param>
    /// <param name="parallel">How many batches may be under way.</param>
    /// <param name="bytesOf">How large an item is; a batch ends with the item that brings it to <see cref="MaxBytes"/>.</param>
    public Batcher(
        Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> run, int size, TimeProvider time, TimeSpan interval = default, TimeSpan perItem = default, int parallel = 1,
        Func<TItem, long>? bytesOf = null)
    {
        _run = run;
        _size = size;
        _time = time;
        _interval = interval;
        _perItem = perItem;
        _bytesOf = bytesOf;
        // Bounded, so that callers are slowed down, and memory is not filled, when the database cannot keep up.
        _waiting = Channel.CreateBounded<Waiting>(size * 8);
        _loop = Task.WhenAll(Enumerable.Range(0, parallel).Select(_ => Task.Run(LoopAsync)));
    }

    /// <summary>Asks, and waits for the batch. Cancels only the waiting for a place: what is under way may take effect, and its caller must know.</summary>
    public async Task<TResult> RunAsync(TItem item, CancellationToken cancel = default)
    {
        var waiting = new Waiting(item, new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await _waiting.Writer.WriteAsync(waiting, cancel);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException("Webhooks.Dispatcher", "The dispatcher has been stopped.");
        }

        return await waiting.Result.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _loop;
    }

    private async Task LoopAsync()
    {
        var batch = new List<Waiting>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            var began = _time.GetTimestamp();
            batch.Clear();
            var bytes = 0L;
            while (batch.Count < _size && bytes < MaxBytes && _waiting.Reader.TryRead(out var waiting))
            {
                batch.Add(waiting);
                bytes += _bytesOf?.Invoke(waiting.Item) ?? 0;
            }

            if (batch.Count == 0) continue;
            try
            {
                var results = await _run(batch.ConvertAll(waiting => waiting.Item));
                for (var i = 0; i < batch.Count; i++) batch[i].Result.SetResult(results[i]);
            }
            catch (Exception exception)
            {
                foreach (var waiting in batch) waiting.Result.TrySetException(exception);
            }

            var stretch = _perItem * batch.Count;
            var rest = _interval + (stretch < _interval * 2 ? stretch : _interval * 2) - _time.GetElapsedTime(began);
            if (rest > TimeSpan.Zero && !_waiting.Reader.Completion.IsCompleted) await Task.Delay(rest, _time);
        }
    }

    private sealed record Waiting(TItem Item, TaskCompletionSource<TResult> Result);
}
