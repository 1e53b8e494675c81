using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Webhooks.Quickstart;

/// <summary>
/// What stands in front of the customer's application: forwards, and goes wrong on request as such boxes do. It answers for an application
/// that is gone, or says "accepted" and loses what it took.
/// </summary>
internal sealed class FaultyProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly Uri _target;
    private int _loseNext;
    private volatile bool _gone;

    private FaultyProxy(WebApplication app, Uri target)
    {
        _app = app;
        _target = target;
        app.Run(ForwardAsync);
    }

    public Uri Url => new(new Uri(_app.Urls.First()), "/hooks");

    /// <summary>How many requests were answered with each status by the receiver itself.</summary>
    public ConcurrentDictionary<int, int> Answers { get; } = new();

    /// <summary>How many deliveries bore the signatures of two secrets.</summary>
    public int SignedByTwo { get; private set; }

    /// <summary>How many deliveries were answered 204 and not forwarded.</summary>
    public int Lost { get; private set; }

    public static async Task<FaultyProxy> StartAsync(Uri target)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var proxy = new FaultyProxy(builder.Build(), target);
        await proxy._app.StartAsync();
        return proxy;
    }

    /// <summary>Answers 410 from now on, or no longer.</summary>
    public void AnswerGone(bool gone) => _gone = gone;

    /// <summary>Accepts the next deliveries and loses them.</summary>
    public void LoseNext(int deliveries) => _loseNext = deliveries;

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(HttpContext http)
    {
        if (_gone)
        {
            http.Response.StatusCode = StatusCodes.Status410Gone;
            return;
        }

        if (http.Request.Headers["webhook-signature"].ToString().Contains(' ', StringComparison.Ordinal)) SignedByTwo++;
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        if (Interlocked.Decrement(ref _loseNext) >= 0)
        {
            Lost++;
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, _target) { Content = new ByteArrayContent(body.ToArray()) };
        foreach (var (name, values) in http.Request.Headers)
        {
            if (name.StartsWith("webhook-", StringComparison.OrdinalIgnoreCase)) request.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
            else if (name == "Content-Type") request.Content.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
        }

        try
        {
            using var response = await _client.SendAsync(request);
            var status = (int)response.StatusCode;
            Answers.AddOrUpdate(status, 1, (_, count) => count + 1);
            http.Response.StatusCode = status;
        }
        catch (HttpRequestException)
        {
            http.Response.StatusCode = StatusCodes.Status502BadGateway;
        }
    }
}
