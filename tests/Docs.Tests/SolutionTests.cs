using System.Text.RegularExpressions;

namespace Webhooks.Docs.Tests;

/// <summary>Webhooks.All.sln is all of Webhooks.sln, and what needs packages that not every registry holds.</summary>
public partial class SolutionTests
{
    [Fact]
    public void AllSolution_HoldsEveryProjectOfTheOther_AndBeyondThemOnlyWhatNeedsMore()
    {
        var (own, all) = (Projects("Webhooks.sln"), Projects("Webhooks.All.sln"));
        Assert.Empty(own.Except(all));
        Assert.Contains("src/Signing.NSec/Signing.NSec.csproj", all);
        // Nothing that is built without those packages may come to need them.
        var more = all.Except(own).Select(path => Path.GetFileNameWithoutExtension(path)).ToList();
        foreach (var project in own)
        {
            var text = File.ReadAllText(Path.Combine(Guide.Root, project));
            foreach (var one in more) Assert.DoesNotContain($"/{one}.csproj", text, StringComparison.Ordinal);
            Assert.DoesNotContain("NSec.Cryptography", text, StringComparison.Ordinal);
        }
    }

    private static IReadOnlyList<string> Projects(string solution) =>
        [.. Project().Matches(File.ReadAllText(Path.Combine(Guide.Root, solution))).Select(match => match.Groups[1].Value.Replace('\\', '/'))];

    [GeneratedRegex("\"([^\"]+\\.csproj)\"")]
    private static partial Regex Project();
}
