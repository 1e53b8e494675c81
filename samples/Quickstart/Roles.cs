using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Webhooks.Quickstart;

/// <summary>The two sides as processes of their own, to be started, killed and started again.</summary>
internal static class Roles
{
    public static Command Dispatcher()
    {
        var database = new Option<string>("--database") { Description = "Npgsql connection string.", Required = true };
        var url = new Option<string>("--url") { Description = "Where the feed is served.", Required = true };
        var lease = new Option<double>("--lease") { Description = "Lease duration in seconds.", DefaultValueFactory = _ => 2 };
        var command = new Command("dispatcher", "Runs the platform's side until it is stopped.") { database, url, lease };
        command.SetAction(async (arguments, cancel) => await RunAsync(
            await PlatformHost.StartAsync(arguments.GetValue(database)!, arguments.GetValue(url)!, TimeSpan.FromSeconds(arguments.GetValue(lease))), cancel));
        return command;
    }

    public static Command Receiver()
    {
        var folder = new Option<string>("--folder") { Description = $"Its folder, with {Path.GetFileName(ReceiverHost.SettingsPath(""))}.", Required = true };
        var url = new Option<string>("--url") { Description = "Where it listens.", Required = true };
        var command = new Command("receiver", "Runs the customer's side until it is stopped.") { folder, url };
        command.SetAction(async (arguments, cancel) => await RunAsync(
            await ReceiverHost.StartAsync(arguments.GetValue(folder)!, arguments.GetValue(url)!), cancel));
        return command;
    }

    private static async Task<int> RunAsync(WebApplication app, CancellationToken cancel)
    {
        await using (app)
        {
            // Whoever started this process waits for the line.
            Console.WriteLine($"ready {app.Urls.First()}");
            await app.WaitForShutdownAsync(cancel);
        }

        return 0;
    }
}
