using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Testing;

namespace Webhooks.Slow;

/// <summary>The receiver, on Kestrel and an inbox on disk, as an application has it. What would cut slow senders off is set so that it never does.</summary>
internal static class ReceiverProgram
{
    public const string Name = "receiver";
    public const string Path = "/hooks";

    public static async Task<int> RunAsync(string folder, string secret)
    {
        var host = WebApplication.CreateSlimBuilder();
        host.Logging.ClearProviders();
        host.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MinRequestBodyDataRate = null;
        });
        host.Services.AddWebhookReceiver("platform", options =>
        {
            options.Secrets.Add("k1", secret);
            options.BodyTimeout = TimeSpan.FromMinutes(10);
        }).UseSqliteInbox(options => options.InboxPath = System.IO.Path.Combine(folder, "inbox.db")).HandleFallback((_, _, _) => Task.CompletedTask);
        await using var app = host.Build();
        app.MapWebhookReceiver(Path, "platform");
        await app.StartAsync();
        Console.WriteLine($"{ChildProcess.Ready} {app.Urls.First()}");
        // Ends with whoever started it.
        while (await Console.In.ReadLineAsync() is not null) { }
        return 0;
    }
}
