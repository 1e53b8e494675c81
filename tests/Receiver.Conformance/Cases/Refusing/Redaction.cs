using Webhooks.Signing;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class Redaction() : ConformanceCase(
    "redaction", "Neither secrets nor signatures nor data get into the log",
    "Logs go to many places and stay there. A valid delivery, a wrongly signed and a malformed one carry a word that stands nowhere else; afterwards the log must hold neither it, "
    + "nor the secret, nor a signature.", Needs.Log)
{
    private static readonly TimeSpan Flush = TimeSpan.FromMilliseconds(500);

    public override async Task RunAsync(CaseRun run)
    {
        var canary = "canary" + Guid.NewGuid().ToString("N");
        var data = $"{{\"card\":\"{canary}\"}}";
        var valid = run.Stream.Next(data);
        var attempts = new[]
        {
            run.Attempt(valid), run.Attempt(run.Stream.Draft(data), WebhookSecret.Generate()),
            run.Attempt(run.Stream.Draft(data)) with { TimestampHeader = canary }, run.Attempt(run.Stream.Draft(data)) with { ContentType = "text/plain" },
            run.Attempt(run.Stream.Draft(data)) with { Body = System.Text.Encoding.UTF8.GetBytes($"{{\"id\":\"{canary}\",") },
        };
        foreach (var attempt in attempts)
            if ((await run.SendAsync(attempt)).IsAccepted && attempt.Id == valid.Id) run.Stream.Accepted(valid.Seq);
        await run.HandledOnceAsync(valid);
        // Loggers write behind.
        await Task.Delay(Flush, run.Cancel);

        var log = await ReadAsync(run.Settings.Log!, run.Cancel);
        if (log.Contains(canary, StringComparison.Ordinal)) run.Problem("the log holds data of an event");
        if (log.Contains(run.Settings.Secret.Reveal()[WebhookSecret.Prefix.Length..], StringComparison.Ordinal)) run.Problem("the log holds the secret");
        if (attempts.Any(attempt => log.Contains(attempt.Signature["v1,".Length..], StringComparison.Ordinal))) run.Problem("the log holds a signature");
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancel)
    {
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(file);
            return await reader.ReadToEndAsync(cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentTroubleException($"The log cannot be read: {e.Message}");
        }
    }
}
