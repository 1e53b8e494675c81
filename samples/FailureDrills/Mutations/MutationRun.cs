using System.Diagnostics;
using System.Text.Json;
using Webhooks.FailureDrills.Catalogue;

namespace Webhooks.FailureDrills.Mutations;

/// <summary>Whether a safeguard's absence was noticed.</summary>
/// <param name="Mutation">What was switched off.</param>
/// <param name="NoticedBy">The drills that failed.</param>
/// <param name="How">What the first of them expected, and saw.</param>
/// <param name="Trouble">Why it could not be judged; null when it was.</param>
internal sealed record MutationResult(Mutation Mutation, IReadOnlyList<string> NoticedBy, string How, string? Trouble)
{
    public bool IsNoticed => Trouble is null && NoticedBy.Count > 0;
}

/// <summary>Switches safeguards off one at a time and runs the drills that are said to notice.</summary>
internal static class MutationRun
{
    // Each is a process with a database server of its own.
    private const int AtATime = 2;

    /// <param name="mutations">What is switched off, one at a time.</param>
    /// <param name="program">The drills of the mutated copy.</param>
    /// <param name="done">Is told each as it ends.</param>
    /// <param name="cancel">Breaks off.</param>
    public static async Task<IReadOnlyList<MutationResult>> RunAsync(IReadOnlyList<Mutation> mutations, string program, Action<MutationResult> done, CancellationToken cancel)
    {
        var results = new MutationResult[mutations.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, mutations.Count), new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancel }, async (i, token) =>
        {
            results[i] = await RunAsync(mutations[i], program, token);
            lock (results) done(results[i]);
        });
        return results;
    }

    /// <summary>The drills that fail though nothing is switched off: with those nothing can be judged.</summary>
    public static async Task<string?> FindTroubleAsync(IReadOnlyList<Mutation> mutations, string program, CancellationToken cancel)
    {
        var outcome = await PlayAsync(program, "", mutations.SelectMany(Noticing).Distinct(), cancel);
        return outcome.Trouble ?? (outcome.Failed.Count == 0 ? null : $"With every safeguard on, {string.Join(", ", outcome.Failed)} failed already: {outcome.How}");
    }

    private static async Task<MutationResult> RunAsync(Mutation mutation, string program, CancellationToken cancel)
    {
        var outcome = await PlayAsync(program, mutation.Name, Noticing(mutation), cancel);
        return new MutationResult(mutation, outcome.Failed, outcome.How, outcome.Trouble);
    }

    private static IEnumerable<string> Noticing(Mutation mutation) => AllDrills.All.Where(drill => drill.Bites.Contains(mutation.Name)).Select(drill => drill.Name);

    private static async Task<(IReadOnlyList<string> Failed, string How, string? Trouble)> PlayAsync(
        string program, string mutation, IEnumerable<string> drills, CancellationToken cancel)
    {
        string[] names = [.. drills];
        if (names.Length == 0) return ([], "", "no drill is said to notice it");
        // The stub in the box can do all of them.
        var start = new ProcessStartInfo("dotnet", [program, .. names, "--driver", "scripted", "--json"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Mutation.Variable] = mutation;
        using var process = Process.Start(start)!;
        try
        {
            var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancel), process.StandardError.ReadToEndAsync(cancel));
            await process.WaitForExitAsync(cancel);
            var last = said[0].TrimEnd().Split('\n')[^1];
            if (process.ExitCode is not (0 or 1) || !last.StartsWith('{')) return ([], "", $"the drills ended with code {process.ExitCode}: {said[1].Trim()}");
            using var outcome = JsonDocument.Parse(last);
            var failed = outcome.RootElement.GetProperty("drills").EnumerateArray().Where(drill => drill.GetProperty("verdict").GetString() == "failed").ToList();
            var how = failed.Count == 0 ? "" : failed[0].GetProperty("missed")[0] is var missed
                ? $"expected: {missed.GetProperty("expectation").GetString()}; seen: {missed.GetProperty("observation").GetString()}" : "";
            return ([.. failed.Select(drill => drill.GetProperty("name").GetString()!)], how, null);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
