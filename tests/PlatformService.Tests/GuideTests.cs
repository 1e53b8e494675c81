using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Webhooks.PlatformService.Tests;

/// <summary>What docs/platform.md shows in C# stands in the sample, which is compiled and run.</summary>
public partial class GuideTests
{
    [Fact]
    public void Guide_EveryBlockOfCSharp_StandsInTheSample()
    {
        var root = Path.GetFullPath(Path.Combine(Here(), "..", ".."));
        var sample = Path.Combine(root, "samples", "PlatformService");
        var sources = string.Concat(Directory.EnumerateFiles(sample, "*.cs").Select(file => Flush(File.ReadAllText(file))));
        var shown = Block().Matches(File.ReadAllText(Path.Combine(root, "docs", "platform.md")).ReplaceLineEndings("\n"));
        Assert.NotEmpty(shown);
        Assert.All(shown, block => Assert.Contains(Flush(block.Groups["code"].Value), sources, StringComparison.Ordinal));
    }

    private static string Flush(string code) => string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()));

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
