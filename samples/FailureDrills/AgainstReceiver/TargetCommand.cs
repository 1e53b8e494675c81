using System.Globalization;
using Webhooks.Signing;

namespace Webhooks.FailureDrills.AgainstReceiver;

/// <summary>What <c>--target</c> was given.</summary>
/// <param name="Url">Where the receiver takes deliveries.</param>
/// <param name="Secrets">Its secrets.</param>
/// <param name="Endpoint">The endpoint id that it is configured with.</param>
/// <param name="FirstSeq">The number that its stream goes on with.</param>
/// <param name="PerSecond">The most requests in a second.</param>
/// <param name="IsAgreed">Whether it was said beforehand that requests may be sent.</param>
internal sealed record TargetSettings(Uri Url, TargetSecrets Secrets, string Endpoint, long FirstSeq, double PerSecond, bool IsAgreed);

/// <summary><c>--target</c>: drills against the user's own receiver, politely, and what to fix.</summary>
internal static class TargetCommand
{
    /// <param name="settings">The receiver.</param>
    /// <param name="answer">Gives what the user answers to a question; null at the end of the input.</param>
    /// <param name="told">Where the report goes.</param>
    /// <param name="cancel">Breaks off.</param>
    /// <returns>0 when all passed, 1 when one did not, 2 when nothing was sent or nobody answered.</returns>
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
            if (answer()?.Trim() is not ("y" or "Y" or "yes"))
            {
                await told.WriteLineAsync("Nothing was sent.");
                return DrillsCommand.CannotRun;
            }
        }

        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(30) };
        var run = new TargetRun(http, settings.Url, settings.Secrets, settings.Endpoint, settings.FirstSeq, TimeSpan.FromSeconds(1 / settings.PerSecond));
        var results = new List<TargetResult>();
        foreach (var drill in TargetDrills.All)
        {
            var result = await run.RunAsync(drill, cancel);
            results.Add(result);
            await told.WriteLineAsync(Line(result));
            // Whoever does not take a right delivery refuses the wrong ones for no good reason.
            if (drill == TargetDrills.All[0] && !result.HasPassed) break;
        }

        var failed = results.Where(result => result.Wrong.Count > 0).ToList();
        foreach (var result in failed) await told.WriteLineAsync($"\nTo fix, {result.Drill.Name}: {result.Drill.Fix}");
        if (results.Count < TargetDrills.All.Count)
            await told.WriteLineAsync("\nThe other drills say nothing about a receiver that does not accept a right delivery; they were not run.");
        await told.WriteLineAsync($"\n{results.Count(result => result.HasPassed)} passed, {failed.Count} failed, {results.Count(result => result.Skipped is not null)} skipped");
        return failed.Count == 0 ? DrillsCommand.AsExpected : DrillsCommand.SomeFailed;
    }

    private static string Line(TargetResult result) =>
        result.Skipped is { } why ? $"skip  {result.Drill.Name,-18} {why}"
        : result.HasPassed ? $"pass  {result.Drill.Name,-18} {result.Drill.Proves}" : $"FAIL  {result.Drill.Name,-18} {string.Join("; ", result.Wrong)}";

    /// <summary>Reads a secret without ever showing it.</summary>
    public static bool TryReadSecret(string? given, string? environment, out WebhookSecret? secret, out string? problem)
    {
        (secret, problem) = (null, null);
        return (given ?? environment) is not { Length: > 0 } text || WebhookSecret.TryParse(text, out secret, out problem);
    }
}
