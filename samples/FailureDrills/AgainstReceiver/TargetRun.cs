using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
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
    // The dispatcher's own time limit of an attempt: an answer after that is none.
    public static readonly TimeSpan MostForAnswer = TimeSpan.FromSeconds(15);

    private const int MostQuoted = 200;
    private readonly SignedWebhookClient _client = new(http, target, secrets.Newest);
    private long _seq = firstSeq;

    /// <summary>The number that the next run goes on with.</summary>
    public long NextSeq => _seq;

    public static int Requests(TargetSecrets secrets) => TargetDrills.All.Where(drill => secrets.Old is not null || !drill.NeedsOldSecret).Sum(drill => drill.Requests.Count);

    /// <param name="drill">The drill.</param>
    /// <param name="cancel">Breaks off.</param>
    public async Task<TargetResult> RunAsync(TargetDrill drill, CancellationToken cancel)
    {
        if (drill.NeedsOldSecret && secrets.Old is null) return new TargetResult(drill, [], "needs --old-secret");
        var wrong = new List<WrongAnswer>();
        foreach (var request in drill.Requests)
        {
            var seq = _seq + request.Number - 1;
            // The same number is the same event in every run: one that is run again sends duplicates, and not other events with the numbers of those before.
            var id = string.Create(CultureInfo.InvariantCulture, $"evt_drill_{endpoint}_{seq}");
            var data = $"{{\"drill\":\"{drill.Name}\"{(request.Padding > 0 ? $",\"padding\":\"{new string('x', request.Padding)}\"" : "")}}}";
            var body = WebhookEnvelope.Build(id, "webhooks.drill", DateTimeOffset.UtcNow, endpoint, 1, seq, data);
            var (kind, answer) = await SendAsync(id, body, request.Spoil?.Invoke(body, secrets), cancel);
            if (kind != (request.Accepted ? AnswerKind.Accepted : AnswerKind.Refused))
                wrong.Add(new WrongAnswer($"{request.Words} was answered {answer}, not {(request.Accepted ? "2xx" : "4xx")}", kind, request.Accepted));
            // What came to nobody, or takes all the time there is, is the same for every request that follows.
            if (kind is AnswerKind.Unreachable or AnswerKind.TooLate) return new TargetResult(drill, wrong, null);
            await Task.Delay(pause, cancel);
        }

        // Numbers that were to be accepted are used up; the others are the next drill's, so that no gap is left behind.
        _seq += drill.Requests.Where(request => request.Accepted).Select(request => request.Number).DefaultIfEmpty(0).Max();
        return new TargetResult(drill, wrong, null);
    }

    private async Task<(AnswerKind Kind, string Answer)> SendAsync(string id, byte[] body, SignedPostOptions? options, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            using var answer = await _client.PostAsync(id, body, options, cancel);
            var said = (await answer.Content.ReadAsStringAsync(cancel)).ReplaceLineEndings(" ").Trim();
            var status = (int)answer.StatusCode;
            var took = Stopwatch.GetElapsedTime(began);
            if (took > MostForAnswer) return (AnswerKind.TooLate, string.Create(CultureInfo.InvariantCulture, $"{status} after {took.TotalSeconds:F0} s"));
            var quoted = said.Length == 0 ? "" : $" (\"{(said.Length > MostQuoted ? $"{said[..MostQuoted]}..." : said)}\")";
            return (Kind(status), string.Create(CultureInfo.InvariantCulture, $"{status}{quoted}"));
        }
        catch (HttpRequestException e) when (body.Length > 1024 * 1024)
        {
            // Who refuses a body by closing the connection while it comes has refused it.
            return (AnswerKind.Refused, $"by closing the connection ({e.Message})");
        }
        catch (HttpRequestException e)
        {
            var cause = e.InnerException is AuthenticationException or IOException ? $"{e.Message} {e.InnerException.Message}" : e.Message;
            return (e.InnerException is SocketException or AuthenticationException ? AnswerKind.Unreachable : AnswerKind.BrokenOff, $"with nothing ({cause})");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (AnswerKind.TooLate, string.Create(CultureInfo.InvariantCulture, $"with nothing within {http.Timeout.TotalSeconds:0.#} s"));
        }
    }

    /// <summary>What a status says; pure.</summary>
    public static AnswerKind Kind(int status) => status switch
    {
        >= 200 and <= 299 => AnswerKind.Accepted,
        >= 300 and <= 399 => AnswerKind.Redirected,
        404 or 405 => AnswerKind.NotThere,
        409 => AnswerKind.Conflict,
        429 => AnswerKind.Throttled,
        >= 400 and <= 499 => AnswerKind.Refused,
        _ => AnswerKind.Failed,
    };
}
