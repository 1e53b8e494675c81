using System.Globalization;
using System.Text;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Stubs.Admin;

namespace Webhooks.FailureDrills.Reporting;

/// <summary>The table of docs/drills.md.</summary>
internal static class DrillTable
{
    public static string Of(IReadOnlyList<Drill> drills)
    {
        var table = new StringBuilder("| drill | what it proves | runs on |\n|---|---|---|\n");
        foreach (var drill in drills) table.Append(CultureInfo.InvariantCulture, $"| `{drill.Name}` ({drill.Category}) | {drill.Proves} | {string.Join(", ", Drivers(drill))} |\n");
        return table.ToString();
    }

    private static IEnumerable<string> Drivers(Drill drill)
    {
        IAdminDialect[] dialects = [new JavaDialect(), new NetDialect()];
        return [.. dialects.Where(dialect => (drill.Needs & ~dialect.Can) == Can.Nothing).Select(dialect => dialect.Name), Stubs.Scripted.ScriptedDriver.DriverName];
    }
}
