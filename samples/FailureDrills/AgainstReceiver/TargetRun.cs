using System.Globalization;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.AgainstReceiver;

/// <summary>Plays drills against somebody's receiver: one request at a time, with a pause after each.</summary>
/// <param name="http">Sends; no faster than it is told.</param>
/// <param name="target">The receiver.</param>
/// <param name="secrets">Its secrets.</param>
/// <param name="endpoint">The endpoint id that it is configured with.</param>
/// <param name="firstSeq">The number that its stream goes on with.</param>
/// <param name="pause">The pause after each request.</param>
internal sealed class TargetRun(HttpClient http, Uri target, TargetSecrets secrets, string endpoint, long firstSeq, TimeSpan pause)
{
    private readonly string _run = Guid.NewGuid().ToString("N")[..12];
    private readonly SignedWebhookClient _client = new(http, target, secrets.Newest);
    private long _seq = firstSeq;

    public static int Requests(TargetSecrets secrets) => TargetDrills.All.Where(drill => secrets.Old is not null || !drill.NeedsOldSecret).Sum(drill => drill.Requests.Count);

    /// <param name="drill">The drill.</param>
    /// <param name="cancel">Breaks off.</param>
    public async Task<TargetResult> RunAsync(TargetDrill drill, CancellationToken cancel)
    {
        if (drill.NeedsOldSecret && secrets.Old is null) return new TargetResult(drill, [], "needs --old-secret");
        var wrong = new List<string>();
        foreach (var request in drill.Requests)
        {
            var seq = _seq + request.Number - 1;
            var id = string.Create(CultureInfo.InvariantCulture, $"evt_drill_{_run}_{seq}");
            var data = $"{{\"drill\":\"{drill.Name}\"{(request.Padding > 0 ? $",\"padding\":\"{new string('x', request.Padding)}\"" : "")}}}";
            var body = WebhookEnvelope.Build(id, "webhooks.drill", DateTimeOffset.UtcNow, endpoint, 1, seq, data);
            var (accepted, answer) = await SendAsync(id, body, request.Spoil?.Invoke(body, secrets), cancel);
            if (accepted != request.Accepted) wrong.Add($"{request.Words} was answered {answer}, not {(request.Accepted ? "2xx" : "4xx")}");
            await Task.Delay(pause, cancel);
        }

        // Numbers that were to be accepted are used up; the others are the next drill's, so that no gap is left behind.
        _seq += drill.Requests.Where(request => request.Accepted).Select(request => request.Number).DefaultIfEmpty(0).Max();
        return new TargetResult(drill, wrong, null);
    }

    /// <returns>Whether it was accepted (true) or refused as it should be (false); null for anything else.</returns>
    private async Task<(bool? Accepted, string Answer)> SendAsync(string id, byte[] body, SignedPostOptions? options, CancellationToken cancel)
    {
        try
        {
            using var answer = await _client.PostAsync(id, body, options, cancel);
            var status = (int)answer.StatusCode;
            return (status is >= 200 and <= 299 ? true : status is >= 400 and <= 499 and not (404 or 405 or 429) ? false : null, status.ToString(CultureInfo.InvariantCulture));
        }
        catch (HttpRequestException e) when (body.Length > 1024 * 1024)
        {
            // Who refuses a body by closing the connection while it comes has refused it.
            return (false, $"by closing the connection ({e.Message})");
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return (null, $"with nothing ({e.Message})");
        }
    }
}
