using System.Threading.Channels;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>Wakes one waiter; being set twice is being set once.</summary>
internal sealed class Signal(TimeProvider time)
{
    private readonly Channel<bool> _set = Channel.CreateBounded<bool>(1);

    public void Set() => _set.Writer.TryWrite(true);

    /// <summary>Waits until it is set or the time has passed; true when it was set.</summary>
    public async Task<bool> WaitAsync(TimeSpan most, CancellationToken cancel)
    {
        if (_set.Reader.TryRead(out _)) return true;
        if (most <= TimeSpan.Zero) return false;
        using var timeout = new CancellationTokenSource(most, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
        try
        {
            return await _set.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
