using System.CommandLine;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Staging;

/// <summary>How a dispatcher process is set up.</summary>
/// <param name="ConnectionString">Of its database.</param>
/// <param name="MaxConcurrentSends">In place of its default.</param>
/// <param name="OtherHost">Whether the program's other host delivers in place of the in-box worker.</param>
internal sealed record NodeSettings(string ConnectionString, int? MaxConcurrentSends = null, bool OtherHost = false);

/// <summary>
/// A dispatcher in a process of its own: the in-box worker, or another host that this program knows, and the feed. Its settings are the first line of its standard input; it ends when that
/// does, which is when its parent ends, however that ends.
/// </summary>
internal static class NodeProgram
{
    public const string Name = "node";

    public static Command Create(HostSetup? otherHost = null)
    {
        var command = new Command(Name, "The dispatcher process that other commands start for themselves") { Hidden = true };
        command.SetAction((_, cancel) => RunAsync(otherHost, cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSetup? otherHost, CancellationToken cancel)
    {
        using var counter = new NodeCounter();
        var settings = JsonSerializer.Deserialize<NodeSettings>((await Console.In.ReadLineAsync(cancel))!)!;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var dispatcher = BenchPlatform.AddDispatcher(builder.Services, settings.ConnectionString, options =>
        {
            if (settings.MaxConcurrentSends is { } most) options.Delivery.MaxConcurrentSends = most;
        });
        if (settings.OtherHost) (otherHost ?? throw new InvalidOperationException("This program knows the in-box worker alone."))(dispatcher, settings.ConnectionString);
        await using var app = builder.Build();
        app.MapWebhookFeed();
        app.MapGet("/counts", (HttpContext http) => http.Response.WriteAsJsonAsync(counter.Counts));
        await app.StartAsync(cancel);
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        await Console.Out.WriteLineAsync(addresses.Addresses.First());
        await Console.In.ReadToEndAsync(cancel);
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await app.StopAsync(grace.Token);
        return 0;
    }
}
