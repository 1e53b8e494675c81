using System.Globalization;

namespace Webhooks.Bench.Measuring;

/// <summary>
/// Processor time in seconds, of who delivers, of the database, and of the sink. Where the machine is busy with something else, too, this says
/// more than the clock does. Two of them make a difference.
/// </summary>
/// <param name="Sender">Who delivers.</param>
/// <param name="Server">The database.</param>
/// <param name="Sink">The sink.</param>
/// <param name="Machine">All processes there are.</param>
internal sealed record CpuUse(double Sender, double Server, double Sink, double Machine)
{
    private const double TicksPerSecond = 100;

    public double Total => Sender + Server + Sink;

    /// <summary>What was used by processes that have nothing to do with it.</summary>
    public double Others => Math.Max(0, Machine - Total);

    /// <summary>What these processes and their children have used so far; not a number where there is no /proc.</summary>
    public static CpuUse Read(int sender, int server, int sink) => new(Seconds(sender), Seconds(server), Seconds(sink), MachineSeconds());

    public static CpuUse operator -(CpuUse to, CpuUse from) => new(to.Sender - from.Sender, to.Server - from.Server, to.Sink - from.Sink, to.Machine - from.Machine);

    public static CpuUse operator /(CpuUse of, int events) => new(of.Sender / events, of.Server / events, of.Sink / events, of.Machine / events);

    private static double Seconds(int process)
    {
        // Its children are the sink and the database.
        if (process == Environment.ProcessId) return Environment.CpuUsage.TotalTime.TotalSeconds;
        if (!OperatingSystem.IsLinux()) return double.NaN;
        return (Ticks(process.ToString(CultureInfo.InvariantCulture), withGone: true) + Children(process).Sum(child => Ticks(child, withGone: false))) / TicksPerSecond;
    }

    // The first line of /proc/stat: user, nice and system, then idle and waiting, then interrupts.
    private static double MachineSeconds()
    {
        if (!OperatingSystem.IsLinux()) return double.NaN;
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
        return new[] { 0, 1, 2, 5, 6 }.Sum(i => double.Parse(fields[i], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static string[] Children(int process) =>
        [.. Directory.GetDirectories($"/proc/{process}/task").SelectMany(thread => ReadIfThere(thread + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    // A child that has ended is in its parent's account of children.
    private static long Ticks(string process, bool withGone)
    {
        var stat = ReadIfThere($"/proc/{process}/stat");
        if (stat.Length == 0) return 0;
        // The name in brackets may hold anything; the numbers begin after it, with the state.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[11..(withGone ? 15 : 13)].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture));
    }

    // What is asked for may end meanwhile.
    private static string ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
