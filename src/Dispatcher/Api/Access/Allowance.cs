using System.Collections.Concurrent;

namespace Webhooks.Dispatcher.Api;

/// <summary>What is left of a limit.</summary>
/// <param name="Granted">How many of those asked for are granted.</param>
/// <param name="Left">About how many are left until the window ends, in all processes together.</param>
internal readonly record struct Grant(int Granted, long Left);

/// <summary>
/// Counts against limits that hold in all processes together, window by window. A process takes some at a time from the database, a fiftieth of the limit, so that few requests ask
/// there; what it took and did not use when the window ends is lost, and that bounds by how much the limit may be undercut: a fiftieth for each process.
/// </summary>
/// <typeparam name="TWindow">What a window is called.</typeparam>
/// <param name="takeAsync">
/// Asks the database for some of a subject in a window, or gives back as many as are below zero; gives how many have been asked for so far, these included.
/// </param>
internal sealed class Allowance<TWindow>(Func<long, TWindow, int, CancellationToken, Task<long>> takeAsync) where TWindow : struct, IEquatable<TWindow>
{
    private const int Parts = 50;
    private const int MostAtOnce = 5_000;
    private const int MaxSubjects = 50_000;

    private readonly ConcurrentDictionary<long, Share> _shares = new();

    public async Task<Grant> TakeAsync(long subject, TWindow window, int wanted, long limit, CancellationToken cancel)
    {
        if (_shares.Count > MaxSubjects) _shares.Clear();
        var share = _shares.GetOrAdd(subject, static _ => new Share());
        await share.Turn.WaitAsync(cancel);
        try
        {
            if (!share.Window.Equals(window)) (share.Window, share.Left, share.Used) = (window, 0, 0);
            if (share.Left < wanted && share.Used < limit)
            {
                var more = Math.Max(wanted - share.Left, (int)Math.Clamp(limit / Parts, 1, MostAtOnce));
                var used = await takeAsync(subject, window, more, cancel);
                share.Left += (int)Math.Clamp(limit - (used - more), 0, more);
                share.Used = used;
                // What was asked for beyond the limit nobody has got. It must not count when the limit is raised before the window ends.
                if (used > limit) share.Used = await takeAsync(subject, window, -(int)Math.Min(more, used - limit), cancel);
            }

            var granted = Math.Min(wanted, share.Left);
            share.Left -= granted;
            return new Grant(granted, Math.Max(0, limit - share.Used) + share.Left);
        }
        finally
        {
            share.Turn.Release();
        }
    }

    /// <summary>What this process holds of a subject's window; under its own turn.</summary>
    private sealed class Share
    {
        public SemaphoreSlim Turn { get; } = new(1);

        public TWindow Window { get; set; }

        public int Left { get; set; }

        public long Used { get; set; }
    }
}
