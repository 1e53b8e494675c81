using System.Globalization;

namespace Webhooks.Bench.Staging;

/// <summary>Resident memory of a process at its highest, as Linux keeps it.</summary>
internal static class ResidentMemory
{
    /// <summary>Counts the highest from now on. Where that is not allowed, it remains the highest since the process began.</summary>
    public static void ResetPeak(int process)
    {
        try
        {
            File.WriteAllText($"/proc/{process}/clear_refs", "5");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Said above.
        }
    }

    /// <summary>In MiB; not a number where there is no /proc.</summary>
    public static double PeakMegabytes(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith(Peak, StringComparison.Ordinal));
            return line is null ? double.NaN : double.Parse(line[Peak.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return double.NaN;
        }
    }

    private const string Peak = "VmHWM:";
}
