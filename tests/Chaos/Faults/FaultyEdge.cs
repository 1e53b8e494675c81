using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Planning;

namespace Webhooks.Chaos.Faults;

/// <summary>
/// The edge of a receiver: writes down what comes and what is answered, and goes wrong when told to. Whatever the sender can have seen
/// as accepted was written down before.
/// </summary>
internal sealed class FaultyEdge(RoleSettings settings)
{
    private const string Calm = "calm";
    private static readonly TimeSpan Slow = ChaosSettings.SendTimeout * 0.4;
    private static readonly TimeSpan TooSlow = ChaosSettings.SendTimeout * 1.5;

    private readonly ConcurrentDictionary<string, ConcurrentQueue<Fault>> _faults =
        new(settings.Sources.Select(source => KeyValuePair.Create(source, new ConcurrentQueue<Fault>())));

    private readonly Dictionary<string, WireLog> _logs =
        settings.Sources.ToDictionary(source => source, source => new WireLog(ReceiverApp.WirePath(settings.Folder, source)));

    private volatile bool _calm;

    /// <summary>The line that has the next requests to a source go wrong.</summary>
    public static string Order(string source, Fault fault, int requests) => string.Create(CultureInfo.InvariantCulture, $"{source} {fault} {requests}");

    /// <summary>The line that ends all faults.</summary>
    public static string Peace => Calm;

    public void Told(string line)
    {
        _calm = line == Calm;
        if (line.Split(' ') is not [var source, var fault, var requests]) return;
        for (var i = 0; i < int.Parse(requests, CultureInfo.InvariantCulture); i++) _faults[source].Enqueue(Enum.Parse<Fault>(fault));
    }

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        var arrived = DateTime.UtcNow;
        var source = context.Request.Path.Value![1..];
        if (!_logs.TryGetValue(source, out var log))
        {
            await next(context);
            return;
        }

        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // Whoever sent it has gone, with the rest of it: nothing has arrived.
            context.Abort();
            return;
        }

        var (from, to) = Seq(body.ToArray());
        var request = log.Arrived(arrived, context.Request.Headers["webhook-id"].ToString(), from, to);
        body.Position = 0;
        context.Request.Body = body;
        // All of it is here. A sender that leaves now leaves a receiver that has read it, and not one that would read it from a broken connection.
        context.RequestAborted = CancellationToken.None;
        Fault? fault = !_calm && _faults[source].TryDequeue(out var due) ? due : null;
        await AnswerAsync(context, fault, next);
        log.Answered(request, fault is Fault.ResetBefore or Fault.ResetAfter ? WireLog.Reset : context.Response.StatusCode);
        if (fault is Fault.ResetBefore or Fault.ResetAfter) context.Abort();
    }

    private static async Task AnswerAsync(HttpContext context, Fault? fault, RequestDelegate next)
    {
        switch (fault)
        {
            case Fault.ServerError:
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return;
            case Fault.Unavailable or Fault.Throttled:
                context.Response.StatusCode = fault == Fault.Throttled ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable;
                context.Response.Headers.RetryAfter = "1";
                return;
            case Fault.Gone:
                context.Response.StatusCode = StatusCodes.Status410Gone;
                return;
            case Fault.ResetBefore:
                return;
            case Fault.Slow or Fault.TooSlow:
                await Task.Delay(fault == Fault.Slow ? Slow : TooSlow);
                break;
        }

        await next(context);
    }

    /// <summary>The number of a delivery, or the first and last of a batch.</summary>
    private static (long From, long To) Seq(byte[] body)
    {
        using var envelope = JsonDocument.Parse(body);
        var seq = envelope.RootElement.GetProperty("seq");
        return seq.ValueKind == JsonValueKind.Object
            ? (seq.GetProperty("from").GetInt64(), seq.GetProperty("to").GetInt64())
            : (seq.GetInt64(), seq.GetInt64());
    }
}
