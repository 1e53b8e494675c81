using Spectre.Console;

namespace Webhooks.FailureDrills.Mutations;

/// <summary><c>--mutations</c>: that the drills bite.</summary>
internal static class MutationsCommand
{
    /// <returns>0 when each was noticed, 1 when one was not, 2 when it cannot run.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> names, CancellationToken cancel)
    {
        var mutations = AllMutations.All.Where(mutation => names.Count == 0 || names.Contains(mutation.Name)).ToList();
        try
        {
            await Console.Error.WriteLineAsync($"Building a copy of the source in which {mutations.Count} safeguards can be switched off ...");
            using var copy = await MutatedCopy.BuildAsync(mutations, cancel);
            await Console.Error.WriteLineAsync("Running the drills with all of them on ...");
            if (await MutationRun.FindTroubleAsync(mutations, copy.Program, cancel) is { } trouble)
            {
                await Console.Error.WriteLineAsync(trouble);
                return DrillsCommand.CannotRun;
            }

            var results = await MutationRun.RunAsync(mutations, copy.Program, result => Console.Error.WriteLine($"{Word(result),-12} {result.Mutation.Name}"), cancel);
            Show(results);
            return results.All(result => result.IsNoticed) ? DrillsCommand.AsExpected : DrillsCommand.SomeFailed;
        }
        catch (InvalidOperationException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return DrillsCommand.CannotRun;
        }
    }

    private static void Show(IReadOnlyList<MutationResult> results)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 240;
        var table = new Table().AddColumns("switched off", "what it guards", "noticed by", "how");
        foreach (var result in results)
        {
            table.AddRow(new[]
            {
                result.Mutation.Name, result.Mutation.Without,
                result.NoticedBy.Count == 0 ? $"NOBODY{(result.Trouble is null ? "" : $" ({result.Trouble})")}" : string.Join(", ", result.NoticedBy),
                result.How.Length > 160 ? result.How[..160] + "..." : result.How,
            }.Select(Markup.Escape).ToArray());
        }

        AnsiConsole.Write(table);
        Console.WriteLine($"{results.Count(result => result.IsNoticed)} of {results.Count} switched-off safeguards were noticed");
    }

    private static string Word(MutationResult result) => result.IsNoticed ? "noticed" : result.Trouble is null ? "NOT NOTICED" : "trouble";
}
