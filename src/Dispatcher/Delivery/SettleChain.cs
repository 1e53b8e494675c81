namespace Webhooks.Dispatcher.Delivery;

/// <summary>Settles one stream behind its sending: one write at a time, each for all that was delivered by then.</summary>
internal sealed class SettleChain(EndpointLease lease, Settler settler)
{
    private readonly Lock _gate = new();
    private long _delivered = lease.Cursor;
    private long _settled = lease.Cursor;
    private bool _running;
    private Task<bool> _run = Task.FromResult(true);

    public bool HasDelivered => _delivered > lease.Cursor;

    /// <summary>Takes note of a delivery; false when an earlier write found the lease lost.</summary>
    public bool Delivered(long seq)
    {
        lock (_gate)
        {
            _delivered = seq;
            if (_running) return true;
            // Throws what the last write threw: without the database the pump cannot go on.
            if (_run.IsCompleted && !_run.GetAwaiter().GetResult()) return false;
            _running = true;
            _run = RunAsync();
            return true;
        }
    }

    /// <summary>Waits until all that was delivered is settled; false when the lease was lost.</summary>
    public Task<bool> AllAsync() => _run;

    private async Task<bool> RunAsync()
    {
        try
        {
            while (true)
            {
                long last;
                lock (_gate)
                {
                    last = _delivered;
                    if (last == _settled)
                    {
                        _running = false;
                        return true;
                    }
                }

                if (!await settler.SettleAsync(lease, _settled + 1, last, lease.Blemished && _settled == lease.Cursor)) break;
                _settled = last;
            }
        }
        catch
        {
            lock (_gate) _running = false;
            throw;
        }

        lock (_gate) _running = false;
        return false;
    }
}
