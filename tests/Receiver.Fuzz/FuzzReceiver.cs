using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Fuzz.Senders;
using Webhooks.Receiver;

namespace Webhooks.Fuzz;

/// <summary>What a request came to.</summary>
/// <param name="Status">The status of the answer.</param>
/// <param name="Text">Its body.</param>
/// <param name="New">How many events were stored.</param>
/// <param name="Known">How many were found to be stored before.</param>
/// <param name="Allocated">How many bytes of memory were taken for it.</param>
/// <param name="Unhandled">What came out instead of an answer.</param>
internal sealed record FuzzAnswer(int Status, string Text, long New, long Known, long Allocated, Exception? Unhandled = null)
{
    public bool IsTaken => Status is >= 200 and < 300;
}

/// <summary>
/// The receiver as an application maps it, with an inbox in memory and without a server around it: each sender has a source for what it sends well, and
/// another for what is spoilt, so that no spoilt event takes the place of a good one.
/// </summary>
internal sealed class FuzzReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly IWebhookReceiverStatus _status;
    private readonly Dictionary<string, RequestDelegate> _sources;
    private readonly Dictionary<string, (long New, long Known)> _counts = [];

    public FuzzReceiver(IReadOnlyList<FuzzSender> senders, DateTimeOffset now)
    {
        var host = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // There has to be one; it is never started.
        host.WebHost.UseKestrelCore();
        host.Services.AddRoutingCore();
        host.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new FormattingLogs());
        host.Services.AddSingleton<TimeProvider>(new StandingClock(now));
        foreach (var sender in senders)
        {
            foreach (var source in new[] { sender.Name, Spoilt(sender) })
            {
                sender.Configure(host.Services.AddWebhookReceiver(source, options =>
                {
                    options.InboxLimit = int.MaxValue;
                    for (var i = 0; i < sender.Live.Length; i++) options.Secrets.Add($"k{i}", sender.Written(sender.Live[i]));
                })).UseMemoryInbox();
            }
        }

        _app = host.Build();
        _status = _app.Services.GetRequiredService<IWebhookReceiverStatus>();
        foreach (var source in _status.Sources) _app.MapWebhookReceiver("/" + source, source);
        // Not started: what is stored stays where it is, and the counts are of the requests alone.
        _sources = ((IEndpointRouteBuilder)_app).DataSources.SelectMany(one => one.Endpoints).OfType<RouteEndpoint>()
            .ToDictionary(one => one.RoutePattern.RawText!.TrimStart('/'), one => one.RequestDelegate!);
    }

    public static string Spoilt(FuzzSender sender) => sender.Name + "-spoilt";

    public async Task<FuzzAnswer> SendAsync(string source, FuzzRequest request)
    {
        var context = new DefaultHttpContext();
        using var answer = new MemoryStream();
        context.Request.Method = HttpMethods.Post;
        foreach (var (name, value) in request.Headers) context.Request.Headers[name] = value;
        context.Request.ContentLength = request.Body.Length;
        context.Request.Body = new MemoryStream(request.Body, writable: false);
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var thread = Environment.CurrentManagedThreadId;
        Exception? unhandled = null;
        try
        {
            await _sources[source](context);
        }
        // Whatever comes out of it is what is looked for.
        catch (Exception e)
        {
            unhandled = e;
        }

        var allocated = thread == Environment.CurrentManagedThreadId ? GC.GetAllocatedBytesForCurrentThread() - before : 0;
        var counts = (await _status.GetAsync(source)).Counts;
        var (isNew, known) = _counts.GetValueOrDefault(source);
        _counts[source] = (counts.Received, counts.Duplicates);
        return new FuzzAnswer(
            context.Response.StatusCode, System.Text.Encoding.UTF8.GetString(answer.ToArray()), counts.Received - isNew, counts.Duplicates - known, allocated, unhandled);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>So that a seed gives the same requests and the same answers whenever it is run.</summary>
    private sealed class StandingClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    /// <summary>Writes every line and keeps none: what cannot be logged would come out, too.</summary>
    private sealed class FormattingLogs : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            formatter(state, exception);

        public void Dispose() { }
    }
}
