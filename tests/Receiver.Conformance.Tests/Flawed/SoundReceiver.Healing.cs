using System.Globalization;
using System.Net;
using System.Text.Json;
using Webhooks.Signing;

namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>From the disk to the effect, and what is missing from the feed.</summary>
internal partial class SoundReceiver
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(80);
    private DateTime _gapSince = DateTime.MaxValue, _notBefore = DateTime.MinValue;
    private int _failures;

    protected virtual TimeSpan Pace => TimeSpan.FromMilliseconds(115);

    protected virtual Task PumpOnceAsync()
    {
        while (Disk.EffectAndMark()) { }
        return Task.CompletedTask;
    }

    protected virtual async Task HealOnceAsync()
    {
        if (Disk.GapAfter is not { } after)
        {
            _gapSince = DateTime.MaxValue;
            return;
        }

        if (_gapSince == DateTime.MaxValue) _gapSince = DateTime.UtcNow;
        if (DateTime.UtcNow < _gapSince + Grace || DateTime.UtcNow < _notBefore) return;
        await AskAsync(after);
    }

    /// <summary>A gap that is open was seen long ago.</summary>
    protected void ForgetGap() => _gapSince = DateTime.MaxValue;

    protected virtual async Task AskAsync(long after)
    {
        const int limit = 100;
        var id = "req_" + Guid.NewGuid().ToString("N");
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(
            HttpMethod.Get, new Uri(Feed, string.Create(CultureInfo.InvariantCulture, $"v1/endpoints/{Endpoint}/events?after={after}&limit={limit}")));
        request.Headers.Add(WebhookHeaders.Id, id);
        request.Headers.Add(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, SignedContent.FeedRequest(Endpoint, after, limit), Secrets));
        _notBefore = DateTime.UtcNow + Pace;
        try
        {
            using var answer = await Http.SendAsync(request, Life);
            var body = await answer.Content.ReadAsByteArrayAsync(Life);
            if (answer.StatusCode != HttpStatusCode.OK || !IsBelieved(answer, id, body))
            {
                var wait = TimeSpan.FromMilliseconds(Math.Min(500, 50 << Math.Min(++_failures, 5)));
                _notBefore = DateTime.UtcNow + Later(answer.StatusCode, answer.Headers.RetryAfter?.Delta, wait);
                return;
            }

            _failures = 0;
            using var page = JsonDocument.Parse(body);
            foreach (var one in page.RootElement.GetProperty("data").EnumerateArray())
                if (ReadOne(one) is { } received) Fetched(received);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !Life.IsCancellationRequested)
        {
            _notBefore = DateTime.UtcNow + TimeSpan.FromMilliseconds(200);
        }
    }

    protected virtual TimeSpan Later(HttpStatusCode status, TimeSpan? retryAfter, TimeSpan wait) => retryAfter > wait ? retryAfter.Value : wait;

    protected virtual bool IsBelieved(HttpResponseMessage answer, string requestId, byte[] body) =>
        Check(
            Value(answer, WebhookHeaders.Id), Value(answer, WebhookHeaders.Timestamp), Value(answer, WebhookHeaders.Signature), body,
            SignedContent.AnswerPrefix(requestId));

    private static string Value(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? values.First() : "";

    protected virtual void Fetched(Received one) => Disk.Insert(one);
}
