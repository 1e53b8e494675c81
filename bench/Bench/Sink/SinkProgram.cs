using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Webhooks.Bench.Sink;

/// <summary>
/// The receiver of the bench, in a process of its own: Kestrel that reads a body whole, notes it, and answers 204, at once or
/// after a stated latency. What is sent below <c>/never/</c> is read and never answered. It ends when its standard
/// input does, which is when its parent ends, however that ends.
/// </summary>
internal static class SinkProgram
{
    public const string Name = "sink";

    private static SinkLedger _ledger = new(new SinkRun(0, 0));

    public static Command Create()
    {
        var command = new Command(Name, "The receiver that the other commands start for themselves") { Hidden = true };
        command.SetAction((_, cancel) => RunAsync(cancel));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancel)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync(cancel);
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        await Console.Out.WriteLineAsync(addresses.Addresses.First());
        await Console.In.ReadToEndAsync(cancel);
        return 0;
    }

    private static Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (path.StartsWith("/e/", StringComparison.Ordinal)) return TakeAsync(context, int.Parse(path.AsSpan(3), CultureInfo.InvariantCulture));
        return path.StartsWith("/never/", StringComparison.Ordinal) ? SwallowAsync(context) : ControlAsync(context, path);
    }

    private static async Task TakeAsync(HttpContext context, int endpoint)
    {
        var ledger = _ledger;
        var reader = context.Request.BodyReader;
        var arrived = 0L;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (arrived == 0 && !read.Buffer.IsEmpty) arrived = Stopwatch.GetTimestamp();
            if (read.IsCompleted)
            {
                ledger.Take(endpoint, read.Buffer, arrived);
                reader.AdvanceTo(read.Buffer.End);
                break;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        // A timer, not a thread, so that any number of requests can wait.
        if (ledger.Latency > TimeSpan.Zero) await Task.Delay(ledger.Latency, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task SwallowAsync(HttpContext context)
    {
        await context.Request.BodyReader.CopyToAsync(Stream.Null, context.RequestAborted);
        await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task ControlAsync(HttpContext context, string path)
    {
        switch (path)
        {
            case "/reset":
                _ledger = new SinkLedger((await context.Request.ReadFromJsonAsync<SinkRun>())!);
                break;
            case "/counts":
                await context.Response.WriteAsJsonAsync(_ledger.Count());
                break;
            case "/arrivals":
                await context.Response.Body.WriteAsync(MemoryMarshal.AsBytes(_ledger.Arrivals.AsSpan()).ToArray());
                break;
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                break;
        }
    }
}
