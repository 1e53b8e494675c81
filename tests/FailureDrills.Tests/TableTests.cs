using Webhooks.FailureDrills.Catalogue;
using Webhooks.FailureDrills.Reporting;

namespace Webhooks.FailureDrills.Tests;

/// <summary>The table of docs/drills.md is the catalogue's own.</summary>
public class TableTests
{
    private const string Begin = "<!-- table of drills -->\n", End = "<!-- end of table -->\n";

    [Fact]
    public void Table_OfTheDocument_IsThatOfTheCatalogue()
    {
        var path = DocumentPath();
        var text = File.ReadAllText(path);
        var (from, to) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        var table = DrillTable.Of(AllDrills.All);
        if (Environment.GetEnvironmentVariable("WEBHOOKS_UPDATE_DOCS") == "1") File.WriteAllText(path, text[..from] + table + text[to..]);
        else Assert.Equal(table, text[from..to]);
    }

    private static string DocumentPath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "docs", "drills.md") is var path && File.Exists(path)) return path;
        throw new FileNotFoundException("docs/drills.md is not above the tests.");
    }
}
