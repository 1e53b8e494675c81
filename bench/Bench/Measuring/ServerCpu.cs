using System.Globalization;

namespace Webhooks.Bench.Measuring;

/// <summary>What a PostgreSQL server and its children have used of the processors, from /proc.</summary>
internal static class ServerCpu
{
    private const double TicksPerSecond = 100;

    /// <summary>Seconds so far; not a number where there is no /proc.</summary>
    /// <param name="postmaster">Its process number.</param>
    public static double Seconds(int postmaster)
    {
        if (!OperatingSystem.IsLinux()) return double.NaN;
        var children = File.ReadAllText($"/proc/{postmaster}/task/{postmaster}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (Ticks(postmaster.ToString(CultureInfo.InvariantCulture), withGone: true) + children.Sum(child => Ticks(child, withGone: false))) / TicksPerSecond;
    }

    // A child that has ended is in its parent's account of children.
    private static long Ticks(string process, bool withGone)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            // The name in brackets may hold anything; the numbers begin after it, with the state.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[11..(withGone ? 15 : 13)].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return 0;
        }
    }
}
