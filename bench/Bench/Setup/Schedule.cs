using System.Diagnostics;

namespace Webhooks.Bench.Setup;

/// <summary>An open loop: work begins at its appointed time, whether or not what began earlier has ended.</summary>
internal static class Schedule
{
    /// <summary>Begins each piece of work when it is due.</summary>
    /// <param name="count">How many.</param>
    /// <param name="every">The time between two.</param>
    /// <param name="begin">Gets the number of the piece, from 0, and the timestamp it was due at.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>All of it; parts may still be under way.</returns>
    public static async Task<List<Task>> RunAsync(int count, TimeSpan every, Func<int, long, Task> begin, CancellationToken cancel)
    {
        var tasks = new List<Task>(count);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var due = start + (long)(every.TotalSeconds * i * Stopwatch.Frequency);
            // Timers are no finer than a millisecond; what is late by that much counts from when it was due.
            var rest = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (rest >= TimeSpan.FromMilliseconds(1)) await Task.Delay(rest, cancel);
            tasks.Add(begin(i, due));
        }

        return tasks;
    }
}
