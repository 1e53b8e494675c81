using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Webhooks.Docs.Tests;

/// <summary>docs/receiver.md as it is in the repository.</summary>
internal static partial class Guide
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    public static string Text { get; } = File.ReadAllText(Path.Combine(Root, "docs", "receiver.md")).ReplaceLineEndings("\n");

    /// <summary>The blocks of code, each with its language and the name in the comment before it; empty without one.</summary>
    public static IReadOnlyList<(string Language, string Name, string Code)> Blocks { get; } =
        [.. Block().Matches(Text).Select(block => (block.Groups["language"].Value, block.Groups["name"].Value, block.Groups["code"].Value))];

    /// <summary>A block by its name.</summary>
    public static string Code(string name) => Assert.Single(Blocks, block => block.Name == name).Code;

    /// <summary>The rows of the table under a heading, without its head; code marks are taken off the cells.</summary>
    public static IReadOnlyList<string[]> Table(string heading)
    {
        var lines = Text.Split('\n').SkipWhile(line => line.TrimStart('#', ' ') != heading).Skip(1)
            .TakeWhile(line => !line.StartsWith('#')).Where(line => line.StartsWith('|')).Skip(2).ToList();
        Assert.NotEmpty(lines);
        return [.. lines.Select(line => line.Trim('|').Split(" | ").Select(cell => cell.Trim(' ', '`', '|')).ToArray())];
    }

    [GeneratedRegex("(?:<!-- (?<name>[^>]+) -->\n)?```(?<language>[a-z]+)\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
