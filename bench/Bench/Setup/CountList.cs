using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Webhooks.Bench.Setup;

/// <summary>An option that takes counts, with commas, each once and the lowest first.</summary>
internal static class CountList
{
    public static Option<int[]> Option(string name, string description, int least, params int[] absent) =>
        new(name) { Description = description + ", with commas", CustomParser = result => Parse(result, least), DefaultValueFactory = _ => absent };

    private static int[] Parse(ArgumentResult result, int least)
    {
        var counts = new SortedSet<int>();
        foreach (var text in result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= least) counts.Add(count);
            else if (count < least && text.All(char.IsAsciiDigit)) result.AddError($"It takes counts of {least} or more, not {text}.");
            else result.AddError($"\"{text}\" is not a count.");
        }

        if (counts.Count == 0) result.AddError("It takes one count at least.");
        return [.. counts];
    }
}
