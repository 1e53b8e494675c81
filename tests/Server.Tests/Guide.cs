using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Webhooks.Server.Tests;

/// <summary>docs/server.md as it is in the repository.</summary>
internal static partial class Guide
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    public static string Text { get; } = File.ReadAllText(Path.Combine(Root, "docs", "server.md")).ReplaceLineEndings("\n");

    /// <summary>A block of shell by the name in the comment before it.</summary>
    public static string Code(string name) => Assert.Single(Block().Matches(Text), block => block.Groups["name"].Value == name).Groups["code"].Value;

    /// <summary>The settings and their defaults, as the table has them.</summary>
    public static IEnumerable<(string Setting, string Default)> Settings => Setting().Matches(Text).Select(row => (row.Groups["name"].Value, row.Groups["default"].Value));

    [GeneratedRegex("<!-- (?<name>[^>]+) -->\n```sh\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^\| `(?<name>(?:Webhooks|Server):[A-Za-z:]+)` \| `?(?<default>[^|`]+?)`? \|", RegexOptions.Multiline)]
    private static partial Regex Setting();

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
