using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Chaos.Planning;
using Webhooks.Dispatcher;
using Webhooks.Testing;

namespace Webhooks.Chaos.Cast;

/// <summary>The inside of the processes: they say that they are ready, do as their input says, and end with it.</summary>
internal static class RoleHost
{
    /// <summary>First of the arguments that make this program a part in somebody's run.</summary>
    public const string Argument = "as";

    /// <summary>Asks a process to end in its own way.</summary>
    public const string Stop = "stop";

    public static async Task<int> RunAsync(Role role, RoleSettings settings, DispatcherHost host)
    {
        using var stop = new CancellationTokenSource();
        switch (role)
        {
            case Role.Dispatcher:
                await using (var app = Platform(settings, worker: true, host: host))
                {
                    app.MapWebhookFeed();
                    await app.StartAsync(stop.Token);
                    SayReady();
                    await ListenAsync(_ => { });
                }

                return 0;
            case Role.Receiver:
                await using (var app = ReceiverApp.Build(settings, out var faults))
                {
                    await app.StartAsync(stop.Token);
                    SayReady();
                    await ListenAsync(faults.Told);
                }

                return 0;
            default:
                await using (var app = Platform(settings, worker: false))
                {
                    await app.StartAsync(stop.Token);
                    var publishing = new PublisherLoop(settings, app.Services.GetRequiredService<IWebhookPublisher>()).RunAsync(stop.Token);
                    SayReady();
                    await ListenAsync(_ => { });
                    await stop.CancelAsync();
                    await publishing;
                }

                return 0;
        }
    }

    /// <summary>The dispatcher as a platform has it, with leases and waits that a short run can see the end of.</summary>
    public static WebApplication Platform(RoleSettings settings, bool worker, bool console = true, DispatcherHost? host = null)
    {
        var builder = Builder(settings);
        if (!console) builder.Logging.ClearProviders();
        var dispatcher = builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = settings.Database;
            options.MasterKey = settings.MasterKey;
            options.RunWorker = worker;
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            options.Sending.Timeout = ChaosSettings.SendTimeout;
            options.Sending.ConnectTimeout = TimeSpan.FromSeconds(1);
            options.Delivery.LeaseDuration = ChaosSettings.Lease;
            options.Delivery.ReadAhead = ChaosSettings.ReadAhead;
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(200));
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(500));
        });
        host?.AddTo?.Invoke(dispatcher, settings.Database);
        return builder.Build();
    }

    public static WebApplicationBuilder Builder(RoleSettings settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(settings.Url);
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "HH:mm:ss.fff ", true));
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Webhooks", LogLevel.Information);
        return builder;
    }

    private static void SayReady() => Console.WriteLine($"{ChildProcess.Ready} {Environment.ProcessId}");

    /// <summary>Until it is told to stop, or whoever could tell it is gone.</summary>
    private static async Task ListenAsync(Action<string> told)
    {
        while (await Console.In.ReadLineAsync() is { } line && line != Stop) told(line);
    }
}
