namespace Webhooks.Receiver;

/// <summary>How long to wait after failures.</summary>
internal static class Backoff
{
    /// <summary>The longest wait that the other side may ask for: a status proves nothing about who gave it.</summary>
    private static readonly TimeSpan LongestAsked = TimeSpan.FromHours(1);

    /// <summary>Doubles from <paramref name="min"/> to <paramref name="max"/>, and lies up to a fifth on either side of that.</summary>
    /// <param name="failures">How many there were in a row, from 1.</param>
    /// <param name="min">The wait after the first.</param>
    /// <param name="max">The longest wait.</param>
    /// <param name="random">A number from 0 to 1.</param>
    /// <param name="retryAfter">What the other side asked for, at least; an hour counts at most.</param>
    public static TimeSpan Next(int failures, TimeSpan min, TimeSpan max, double random, TimeSpan? retryAfter = null)
    {
        var doubled = min.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 40));
        var wait = TimeSpan.FromMilliseconds(Math.Min(doubled, max.TotalMilliseconds) * Jitter(random));
        var asked = retryAfter > LongestAsked ? LongestAsked : retryAfter ?? TimeSpan.Zero;
        return asked > wait ? asked : wait;
    }

    /// <summary>A factor from 0.8 to 1.2.</summary>
    public static double Jitter(double random) => 0.8 + (0.4 * random);
}
