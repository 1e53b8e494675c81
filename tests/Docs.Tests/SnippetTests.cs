using System.Text.RegularExpressions;

namespace Webhooks.Docs.Tests;

/// <summary>What the guide shows in C# is what is compiled, and what its other tests run.</summary>
public partial class SnippetTests
{
    private const string Program = "Program.cs";

    [Fact]
    public void Guide_EveryBlockOfCSharp_IsCompiled()
    {
        var compiled = Compiled();
        var shown = Guide.Blocks.Where(block => block.Language == "csharp" && block.Name != Program).ToList();
        Assert.NotEmpty(shown);
        foreach (var (_, name, code) in shown)
        {
            Assert.True(compiled.TryGetValue(name, out var source), $"No region of Snippets is named \"{name}\".");
            Assert.Equal(source, code);
        }
    }

    [Fact]
    public void Snippets_EveryRegion_IsShown() =>
        Assert.Empty(Compiled().Keys.Except(Guide.Blocks.Select(block => block.Name)));

    private static Dictionary<string, string> Compiled() => Directory.EnumerateFiles(Path.Combine(Guide.Root, "tests", "Docs.Tests", "Snippets"), "*.cs")
        .SelectMany(file => Region().Matches(File.ReadAllText(file).ReplaceLineEndings("\n")))
        .ToDictionary(region => region.Groups["name"].Value, region => Flush(region.Groups["code"].Value));

    /// <summary>Without the indentation that all lines share.</summary>
    private static string Flush(string code)
    {
        var lines = code.Split('\n');
        var depth = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length == 0 ? line : line[depth..]));
    }

    [GeneratedRegex(@"^ *#region (?<name>.+?)\n(?<code>.*?)^ *#endregion", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Region();
}
