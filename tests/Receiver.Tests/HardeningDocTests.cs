using System.Text.RegularExpressions;

namespace Webhooks.Receiver.Tests;

/// <summary>A table of promises is worth what stands behind each row.</summary>
public sealed partial class HardeningDocTests
{
    [Fact]
    public void Table_EveryRowNamesTests_AndEachOfThemExists()
    {
        var root = Root();
        var sources = Directory.EnumerateFiles(Path.Combine(root, "tests"), "*.cs", SearchOption.AllDirectories).ToLookup(file => Path.GetFileName(file).Split('.')[0]);
        var rows = File.ReadAllLines(Path.Combine(root, "docs", "receiver-hardening.md")).Where(line => Row().IsMatch(line)).ToList();
        Assert.Equal(21, rows.Count);
        foreach (var row in rows)
        {
            var named = Named().Matches(row);
            Assert.True(named.Count > 0, $"no test is named in: {row}");
            Assert.All(named, test => Assert.True(
                sources[test.Groups["class"].Value].Any(file => File.ReadAllText(file).Contains($" {test.Groups["test"].Value}(", StringComparison.Ordinal)),
                $"{test.Value} is not there"));
        }
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Webhooks.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("This test runs from the build output of its project; no solution was found above it.");
    }

    [GeneratedRegex(@"^\| \d+ \|")]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?<class>[A-Z]\w+)\.(?<test>[A-Z]\w*_\w+)`")]
    private static partial Regex Named();
}
