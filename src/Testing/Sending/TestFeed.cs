using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>
/// The feed of a <see cref="TestSender"/>, signed as the protocol says: in memory, as the handler of the receiver's HTTP client, or over sockets.
/// </summary>
public sealed class TestFeed : IAsyncDisposable
{
    private const int MaxLimit = 1000;

    private readonly TestSender _sender;
    private readonly Lock _gate = new();
    private readonly List<long> _reads = [];
    private readonly List<long> _resumes = [];
    private ReceiverServer? _server;
    private Uri? _address;

    internal TestFeed(TestSender sender) => _sender = sender;

    /// <summary>Has every request answered 503, as if the sender were down.</summary>
    public bool IsDown { get; set; }

    /// <summary>Why the endpoint is paused, such as <c>failing</c>; null when it is not. A receiver's asking for delivery lifts it.</summary>
    public string? PauseReason { get; set; }

    /// <summary>How many events a page holds at most.</summary>
    /// <value>Default: 1,000.</value>
    public int PageLimit { get; set; } = MaxLimit;

    /// <summary>The lowest number that the feed still has; a higher one than 1 plays a sender whose retention has passed.</summary>
    /// <value>Default: 1.</value>
    public long Floor { get; set; } = 1;

    /// <summary>After which number each page that was served began, in order.</summary>
    public IReadOnlyList<long> Reads
    {
        get
        {
            lock (_gate) return [.. _reads];
        }
    }

    /// <summary>After which number the receiver has asked for delivery, in order.</summary>
    public IReadOnlyList<long> Resumes
    {
        get
        {
            lock (_gate) return [.. _resumes];
        }
    }

    /// <summary>The feed in memory: a primary handler for the receiver's HTTP client, whatever address that is given.</summary>
    public HttpMessageHandler CreateHandler() => new InMemory(this);

    /// <summary>Serves the feed on 127.0.0.1 until the sender is disposed.</summary>
    /// <returns>What the receiver's <c>FeedBaseAddress</c> is to be; the same on every call.</returns>
    public async Task<Uri> ListenAsync(CancellationToken ct = default)
    {
        if (_address is not null) return _address;
        (_server, var port) = await ReceiverServer.StartAnywhereAsync(AnswerAsync, ct);
        return _address = new Uri($"http://127.0.0.1:{port}/");
    }

    /// <summary>Ends its server, if there is one.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is null) return;
        await _server.StopAsync();
        _server.Dispose();
        (_server, _address) = (null, null);
    }

    private async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, cancellationToken);
        var answer = Answer(new FeedRequest(
            context.Request.Path.Value ?? "", context.Request.QueryString.Value ?? "", name => context.Request.Headers[name].ToString(), body.ToArray()));
        context.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers) context.Response.Headers[name] = value;
        await context.Response.Body.WriteAsync(answer.Body, cancellationToken);
    }

    private FeedAnswer Answer(FeedRequest request)
    {
        if (IsDown) return FeedAnswer.Unsigned(503);
        var path = $"/v1/endpoints/{_sender.Endpoint}/";
        if (request.Path.EndsWith(path + "events", StringComparison.Ordinal)) return Read(request);
        return request.Path.EndsWith(path + "resume", StringComparison.Ordinal) ? Resume(request) : FeedAnswer.Unsigned(404);
    }

    private FeedAnswer Read(FeedRequest request)
    {
        if (request.Number("after") is not { } after || request.Number("limit") is not (>= 1 and <= MaxLimit and var limit)) return FeedAnswer.Unsigned(400);
        if (!request.IsSigned(SignedContent.FeedRequest(_sender.Endpoint, after, (int)limit), _sender)) return FeedAnswer.Unsigned(401);
        var published = _sender.Published;
        if (after < Floor - 1)
            return request.Answered(410, string.Create(CultureInfo.InvariantCulture,
                $$$"""{"error":{"code":"range_expired","message":"The range has expired.","details":{},"request_id":"req_test"},"floor":{{{Floor}}},"head":{{{published.Count}}},"epoch":1,"epoch_start":1}"""), _sender);
        lock (_gate) _reads.Add(after);
        var rest = published.Where(one => one.Seq > after).ToList();
        var page = rest.Take((int)Math.Min(limit, PageLimit)).ToList();
        var reason = PauseReason;
        return request.Answered(200, string.Create(CultureInfo.InvariantCulture,
            $$"""{"endpoint":"{{_sender.Endpoint}}","epoch":1,"epoch_start":1,"floor":{{Floor}},"head":{{published.Count}},"cursor":0,"status":"{{(reason is null ? "active" : "paused")}}","pause_reason":{{(reason is null ? "null" : $"\"{reason}\"")}},"data":[{{string.Join(',', page.Select(one => Encoding.UTF8.GetString(one.Body.Span)))}}],"has_more":{{(rest.Count > page.Count ? "true" : "false")}}}"""), _sender);
    }

    private FeedAnswer Resume(FeedRequest request)
    {
        if (request.After() is not { } after) return FeedAnswer.Unsigned(400);
        if (!request.IsSigned(SignedContent.ResumeRequest(_sender.Endpoint, 1, after), _sender)) return FeedAnswer.Unsigned(401);
        lock (_gate) _resumes.Add(after);
        PauseReason = null;
        return request.Answered(200, string.Create(CultureInfo.InvariantCulture, $$"""{"status":"active","cursor":{{after}}}"""), _sender);
    }

    private sealed class InMemory(TestFeed feed) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
            var answer = feed.Answer(new FeedRequest(
                request.RequestUri!.AbsolutePath, request.RequestUri.Query,
                name => request.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : "", body));
            var response = new HttpResponseMessage((System.Net.HttpStatusCode)answer.Status) { Content = new ByteArrayContent(answer.Body), RequestMessage = request };
            foreach (var (name, value) in answer.Headers)
                if (!response.Headers.TryAddWithoutValidation(name, value)) response.Content.Headers.TryAddWithoutValidation(name, value);
            return response;
        }
    }
}
