using System.Diagnostics;
using System.Text.Json;
using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Cases.Delivering;
using Webhooks.Conformance.Feed;
using Webhooks.Conformance.Observing;
using Webhooks.Conformance.Sending;

namespace Webhooks.Conformance.Running;

/// <summary>Runs cases one after the other against one receiver, on one stream.</summary>
internal static class SuiteRun
{
    /// <exception cref="EnvironmentTroubleException">The receiver, its observer or the feed's port cannot be reached; nothing can be judged.</exception>
    public static async Task<SuiteOutcome> RunAsync(
        SuiteSettings settings, IReadOnlyList<ConformanceCase> cases, Action<CaseResult> finished, CancellationToken cancel)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        var observer = settings.Observer is { } url ? Observer.At(http, url) : null;
        var stream = new SenderStream(settings.Endpoint, Guid.NewGuid().ToString("N")[..8], await FirstSeqAsync(settings, observer, cancel));
        await using var feed = await StartFeedAsync(settings, stream, cancel);
        await new CaseRun(settings, stream, feed, observer, cancel).ReachableAsync();

        var results = new List<CaseResult>();
        string? hopeless = null;
        foreach (var one in cases)
        {
            var result = (hopeless ?? Lacking(settings, one.Needs)) is { } reason
                ? new CaseResult(one, Verdict.Skipped, reason, TimeSpan.Zero)
                : await JudgeAsync(one, new CaseRun(settings with { Patience = settings.PatienceIn?.Invoke(one) ?? settings.Patience }, stream, feed, observer, cancel));
            results.Add(result);
            finished(result);
            if (result is { Case: SingleValid, Verdict: Verdict.Failed } && stream.NotAccepted().Count > 0)
                hopeless = $"nothing can be judged of a receiver that does not accept a valid delivery (see {SingleValid.CaseName})";
            if (result.Verdict != Verdict.Skipped) await SettleAsync(new CaseRun(settings, stream, feed, observer, cancel), feed);
        }

        return new SuiteOutcome(results);
    }

    private static async Task<CaseResult> JudgeAsync(ConformanceCase one, CaseRun run)
    {
        var began = Stopwatch.GetTimestamp();
        var reasons = new List<string>();
        try
        {
            await one.RunAsync(run);
        }
        catch (CaseFailedException e)
        {
            reasons.Add(e.Message);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException or TimeoutException)
        {
            reasons.Add($"the receiver could not be talked to: {e.Message}");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or TaskCanceledException && !run.Cancel.IsCancellationRequested)
        {
            throw new EnvironmentTroubleException($"The observer {run.Settings.Observer} does not answer: {e.Message}");
        }

        reasons.InsertRange(0, run.Problems);
        return new CaseResult(
            one, reasons.Count == 0 ? Verdict.Passed : Verdict.Failed, reasons.Count == 0 ? null : string.Join("; ", reasons), Stopwatch.GetElapsedTime(began));
    }

    /// <summary>Whatever a case left undone is delivered, so that the next begins on a stream without a gap.</summary>
    private static async Task SettleAsync(CaseRun run, SenderFeed? feed)
    {
        feed?.Reset();
        foreach (var one in run.Stream.NotAccepted())
            for (var attempt = 0; attempt < 3 && !(await run.DeliverAsync(one)).IsAccepted; attempt++) await Task.Delay(50, run.Cancel);
    }

    /// <summary>Why a case cannot be judged; null when it can.</summary>
    public static string? Lacking(SuiteSettings settings, Needs needs)
    {
        var lacking = new List<string>();
        if (needs.HasFlag(Needs.Observer) && settings.Observer is null) lacking.Add("--observer");
        if (needs.HasFlag(Needs.Feed) && settings.Feed is null) lacking.Add("--feed");
        if (needs.HasFlag(Needs.Restart) && settings.Restart is null) lacking.Add("--restart");
        if (needs.HasFlag(Needs.SecondNode) && settings.Nodes.Count < 2) lacking.Add("a second --url");
        if (needs.HasFlag(Needs.OldSecret) && settings.OldSecret is null) lacking.Add("--old-secret");
        if (needs.HasFlag(Needs.ExpiredSecret) && settings.ExpiredSecret is null) lacking.Add("--expired-secret");
        if (needs.HasFlag(Needs.Log) && settings.Log is null) lacking.Add("--log");
        return needs.HasFlag(Needs.Order) && settings.IsUnordered ? "the receiver does not look at numbers (--unordered)"
            : lacking.Count > 0 ? $"needs {string.Join(", ", lacking)}" : null;
    }

    private static async Task<long> FirstSeqAsync(SuiteSettings settings, Observer? observer, CancellationToken cancel)
    {
        if (settings.FirstSeq is { } given) return given;
        if (observer is null) return 1;
        try
        {
            return (await observer.ReadAsync(cancel)).Max(one => one.Seq) is { } highest ? highest + 1 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or KeyNotFoundException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            throw new EnvironmentTroubleException($"The observer {settings.Observer} does not answer as it should: {e.Message}");
        }
    }

    private static async Task<SenderFeed?> StartFeedAsync(SuiteSettings settings, SenderStream stream, CancellationToken cancel)
    {
        if (settings.Feed is not { } address) return null;
        try
        {
            return await SenderFeed.StartAsync(address, stream, settings.OldSecret is { } old ? [settings.Secret, old] : [settings.Secret], cancel);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            throw new EnvironmentTroubleException($"The feed cannot be served at {address}: {e.Message}");
        }
    }
}
