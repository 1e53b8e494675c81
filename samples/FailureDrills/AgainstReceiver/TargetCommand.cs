using System.Globalization;
using System.Text.Json;
using Webhooks.Signing;

namespace Webhooks.FailureDrills.AgainstReceiver;

/// <summary>What <c>--target</c> was given.</summary>
/// <param name="Url">Where the receiver takes deliveries.</param>
/// <param name="Secrets">Its secrets.</param>
/// <param name="Endpoint">The endpoint id that it is configured with.</param>
/// <param name="FirstSeq">The number that its stream goes on with.</param>
/// <param name="PerSecond">The most requests in a second.</param>
/// <param name="IsAgreed">Whether it was said beforehand that requests may be sent.</param>
internal sealed record TargetSettings(Uri Url, TargetSecrets Secrets, string Endpoint, long FirstSeq, double PerSecond, bool IsAgreed)
{
    /// <summary>How long a request may take.</summary>
    public TimeSpan Timeout { get; init; } = TargetRun.MostForAnswer;

    /// <summary>Whether the outcome is printed as JSON on the last line, too.</summary>
    public bool AsJson { get; init; }
}

/// <summary><c>--target</c>: drills against the user's own receiver, politely, and what to fix.</summary>
internal static class TargetCommand
{
    private const int MostRead = 1024 * 1024;

    /// <param name="settings">The receiver.</param>
    /// <param name="answer">Gives what the user answers to a question; null at the end of the input.</param>
    /// <param name="told">Where the report goes.</param>
    /// <param name="cancel">Breaks off.</param>
    /// <returns>0 when all passed, 1 when one did not, 2 when nothing was sent or the receiver cannot be reached.</returns>
    public static async Task<int> RunAsync(TargetSettings settings, Func<string?> answer, TextWriter told, CancellationToken cancel)
    {
        var requests = TargetRun.Requests(settings.Secrets);
        var rate = settings.PerSecond.ToString(CultureInfo.InvariantCulture);
        await told.WriteLineAsync($"{requests} requests go to {settings.Url}, at most {rate} a second, the largest with 2 MiB.");
        await told.WriteLineAsync($"They are events of type \"webhooks.drill\" for {settings.Endpoint}, from number {settings.FirstSeq} on.");
        await told.WriteLineAsync("Those with a right signature are real to the receiver: it stores them and calls its handlers.");
        if (!settings.IsAgreed)
        {
            await told.WriteAsync("Only send them to a receiver of your own. Go on? [y/N] ");
            var agreed = answer();
            if (agreed?.Trim().ToLowerInvariant() is not ("y" or "yes"))
            {
                await told.WriteLineAsync(agreed is null ? "\nNobody answers here: nothing was sent. --yes sends without asking." : "Nothing was sent.");
                return DrillsCommand.CannotRun;
            }
        }

        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = settings.Timeout, MaxResponseContentBufferSize = MostRead };
        var run = new TargetRun(http, settings.Url, settings.Secrets, settings.Endpoint, settings.FirstSeq, TimeSpan.FromSeconds(1 / settings.PerSecond));
        var results = new List<TargetResult>();
        foreach (var drill in TargetDrills.All)
        {
            var result = await run.RunAsync(drill, cancel);
            results.Add(result);
            await told.WriteLineAsync(Line(result));
            // Whoever does not take a right delivery refuses the wrong ones for no good reason.
            if (drill == TargetDrills.All[0] && !result.HasPassed) break;
            if (IsOutOfReach(result)) break;
        }

        await TellAsync(told, results, run.NextSeq);
        if (settings.AsJson) await told.WriteLineAsync(Json(results));
        return results.All(result => result.Wrong.Count == 0) ? DrillsCommand.AsExpected : results.Any(IsOutOfReach) ? DrillsCommand.CannotRun : DrillsCommand.SomeFailed;
    }

    private static bool IsOutOfReach(TargetResult result) => result.Wrong.Any(wrong => wrong.Kind == AnswerKind.Unreachable);

    private static async Task TellAsync(TextWriter told, List<TargetResult> results, long next)
    {
        foreach (var result in results)
            foreach (var advice in Advice.For(result)) await told.WriteLineAsync($"\nTo fix, {result.Drill.Name}: {advice}");
        if (results.Any(IsOutOfReach)) await told.WriteLineAsync("\nThe receiver is out of reach; the other drills were not run.");
        else if (results.Count < TargetDrills.All.Count)
            await told.WriteLineAsync("\nThe other drills say nothing about a receiver that does not accept a right delivery; they were not run.");
        await told.WriteLineAsync(
            $"\n{results.Count(result => result.HasPassed)} passed, {results.Count(result => result.Wrong.Count > 0)} failed, "
            + $"{results.Count(result => result.Skipped is not null)} skipped");
        if (results[0].HasPassed) await told.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"The stream of this endpoint goes on with --first-seq {next}"));
    }

    private static string Json(List<TargetResult> results) => JsonSerializer.Serialize(new
    {
        passed = results.Count(result => result.HasPassed),
        failed = results.Count(result => result.Wrong.Count > 0),
        skipped = results.Count(result => result.Skipped is not null),
        drills = results.Select(result => new
        {
            name = result.Drill.Name, verdict = result.Skipped is not null ? "skipped" : result.HasPassed ? "passed" : "failed",
            wrong = result.Wrong.Select(wrong => wrong.Words), fix = Advice.For(result), reason = result.Skipped,
        }),
    });

    private static string Line(TargetResult result) =>
        result.Skipped is { } why ? $"skip  {result.Drill.Name,-18} {why}"
        : result.HasPassed ? $"pass  {result.Drill.Name,-18} {result.Drill.Proves}"
        : $"FAIL  {result.Drill.Name,-18} {string.Join("; ", result.Wrong.Select(wrong => wrong.Words))}";

    /// <summary>Reads a secret without ever showing it.</summary>
    public static bool TryReadSecret(string? given, string? environment, out WebhookSecret? secret, out string? problem)
    {
        (secret, problem) = (null, null);
        return (given ?? environment) is not { Length: > 0 } text || WebhookSecret.TryParse(text, out secret, out problem);
    }
}
