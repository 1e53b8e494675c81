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
internal sealed class SendSlots(int quick, int slow, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _quick = new(quick);
    private readonly SemaphoreSlim _slow = new(slow);
    private readonly ConcurrentDictionary<SendSlot, bool> _slots = new();

    public SendSlot Open()
    {
        var slot = new SendSlot();
        _slots[slot] = true;
        return slot;
    }

    public void Close(SendSlot slot) => _slots.TryRemove(slot, out _);

    /// <summary>Waits for a place.</summary>
    public ValueTask TakeAsync(SendSlot slot, CancellationToken cancel)
    {
        if (slot.ExpectSlow || !_quick.Wait(0, CancellationToken.None)) return WaitAsync(slot, cancel);
        Begin(slot, slow: false);
        return ValueTask.CompletedTask;
    }

    /// <summary>The request has ended.</summary>
    public void Release(SendSlot slot)
    {
        lock (slot)
        {
            slot.ExpectSlow = time.GetElapsedTime(slot.Since!.Value) >= Long;
            slot.Since = null;
            (slot.IsSlow ? _slow : _quick).Release();
        }
    }

    public void Dispose()
    {
        _quick.Dispose();
        _slow.Dispose();
    }

    private async ValueTask WaitAsync(SendSlot slot, CancellationToken cancel)
    {
        if (slot.ExpectSlow)
        {
            await _slow.WaitAsync(cancel);
            Begin(slot, slow: true);
            return;
        }

        // Only when places are short is it worth looking for those who take too long.
        while (!await _quick.WaitAsync(LookAgain, cancel)) Demote();
        Begin(slot, slow: false);
    }

    private void Begin(SendSlot slot, bool slow)
    {
        lock (slot) (slot.Since, slot.IsSlow) = (time.GetTimestamp(), slow);
    }

    private void Demote()
    {
        foreach (var (slot, _) in _slots)
        {
            lock (slot)
            {
                if (slot.Since is not { } since || slot.IsSlow || time.GetElapsedTime(since) < Long) continue;
                if (!_slow.Wait(0, CancellationToken.None)) return;
                slot.IsSlow = true;
                _quick.Release();
            }
        }
    }
}
