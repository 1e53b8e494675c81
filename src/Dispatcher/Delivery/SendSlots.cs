using System.Collections.Concurrent;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>A place for requests, one after another: of a pump, or of one of its lanes. Its fields are guarded by itself.</summary>
internal sealed class SendSlot
{
    /// <summary>When the request under way began; null when none is.</summary>
    public long? Since { get; set; }

    /// <summary>Whether it counts among the slow ones.</summary>
    public bool IsSlow { get; set; }

    /// <summary>Whether the last request took so long that the next one is expected to.</summary>
    public bool ExpectSlow { get; set; }
}

/// <summary>
/// How many requests are under way at a time, over all endpoints. Those that take long are counted apart, so that as many endpoints as may ever
/// hang leave the places of the others free (promise 9).
/// </summary>
internal sealed class SendSlots : IDisposable
{
    // Who took as long as this is expected to do so again.
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    // While others wait, one that has taken as long as this gives its place to them.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly Places _quick;
    private readonly Places _slow;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<SendSlot, bool> _slots = new();

    public SendSlots(int quick, int slow, TimeProvider time)
    {
        (_quick, _slow, _time) = (new Places(quick), new Places(slow), time);
        _timer = time.CreateTimer(static self => ((SendSlots)self!).Demote(), this, Patience, Patience);
    }

    /// <param name="expectSlow">Whether its first request is expected to take long.</param>
    public SendSlot Open(bool expectSlow = false)
    {
        var slot = new SendSlot { ExpectSlow = expectSlow };
        _slots[slot] = true;
        return slot;
    }

    public void Close(SendSlot slot) => _slots.TryRemove(slot, out _);

    /// <summary>Waits for a place.</summary>
    public ValueTask TakeAsync(SendSlot slot, CancellationToken cancel)
    {
        if (slot.ExpectSlow || !_quick.TryTake()) return WaitAsync(slot, cancel);
        Begin(slot, slow: false);
        return ValueTask.CompletedTask;
    }

    /// <summary>The request has ended.</summary>
    public void Release(SendSlot slot)
    {
        bool slow;
        lock (slot)
        {
            slot.ExpectSlow = _time.GetElapsedTime(slot.Since!.Value) >= Slow;
            slot.Since = null;
            slow = slot.IsSlow;
        }

        (slow ? _slow : _quick).Release();
    }

    /// <summary>Gives the places of those that take long to those that wait. One look for all who wait, or their looking would cost more than the sending.</summary>
    public void Demote()
    {
        if (!_quick.IsWaitedFor) return;
        foreach (var (slot, _) in _slots)
        {
            lock (slot)
            {
                if (slot.Since is not { } since || slot.IsSlow || _time.GetElapsedTime(since) < Patience) continue;
                if (!_slow.TryTake()) return;
                slot.IsSlow = true;
            }

            _quick.Release();
        }
    }

    public void Dispose() => _timer.Dispose();

    private async ValueTask WaitAsync(SendSlot slot, CancellationToken cancel)
    {
        var slow = slot.ExpectSlow;
        await (slow ? _slow : _quick).TakeAsync(cancel);
        Begin(slot, slow);
    }

    private void Begin(SendSlot slot, bool slow)
    {
        lock (slot) (slot.Since, slot.IsSlow) = (_time.GetTimestamp(), slow);
    }

    /// <summary>So many places; who finds none waits in line. Taking and giving back one that nobody waits for is a single atomic step.</summary>
    private sealed class Places(int count)
    {
        private readonly Lock _gate = new();
        private readonly Queue<TaskCompletionSource> _line = new();
        private int _free = count;
        private int _waiting;

        public bool IsWaitedFor => Volatile.Read(ref _waiting) > 0;

        public bool TryTake()
        {
            for (var free = Volatile.Read(ref _free); free > 0;)
            {
                var seen = Interlocked.CompareExchange(ref _free, free - 1, free);
                if (seen == free) return true;
                free = seen;
            }

            return false;
        }

        public void Release()
        {
            Interlocked.Increment(ref _free);
            if (IsWaitedFor) Serve();
        }

        public async Task TakeAsync(CancellationToken cancel)
        {
            var place = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_gate)
            {
                _line.Enqueue(place);
                // Known to those who give places back before it is looked whether there is one: none is missed.
                Interlocked.Increment(ref _waiting);
            }

            Serve();
            await using (cancel.UnsafeRegister(static (waiting, cancelled) => ((TaskCompletionSource)waiting!).TrySetCanceled(cancelled), place))
                await place.Task;
        }

        private void Serve()
        {
            lock (_gate)
            {
                while (_line.Count > 0 && TryTake())
                {
                    // Who has given up waiting leaves the place to the next.
                    if (!_line.Dequeue().TrySetResult()) Interlocked.Increment(ref _free);
                    Interlocked.Decrement(ref _waiting);
                }
            }
        }
    }
}
