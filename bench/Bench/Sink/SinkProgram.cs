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
/// The receiver of the bench, in a process of its own: Kestrel that reads a body whole, notes it, and answers 204. It ends when its standard
/// input does, which is when its parent ends, however that ends.
/// </summary>
internal static class SinkProgram
{
    public const string Name = "sink";

    private static SinkLedger _ledger = new(0, 0);

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
        return path.StartsWith("/e/", StringComparison.Ordinal)
            ? TakeAsync(context, int.Parse(path.AsSpan(3), CultureInfo.InvariantCulture))
            : ControlAsync(context, path);
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

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task ControlAsync(HttpContext context, string path)
    {
        switch (path)
        {
            case "/reset":
                var query = context.Request.Query;
                _ledger = new SinkLedger(
                    int.Parse(query["endpoints"]!, CultureInfo.InvariantCulture), int.Parse(query["events"]!, CultureInfo.InvariantCulture));
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
