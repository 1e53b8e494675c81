using Webhooks.FailureDrills.Stubs.Admin;
using WireMock.Logging;
using WireMock.Server;
using WireMock.Settings;

namespace Webhooks.FailureDrills.WireMockNet;

/// <summary>A WireMock.Net in this process. The driver talks to it as to any other, over its admin API.</summary>
internal sealed class WireMockNetLauncher : IServerLauncher
{
    public Task<LaunchedServer> StartAsync(CancellationToken cancel) => Task.Run(
        () =>
        {
            var server = WireMockServer.Start(new WireMockServerSettings
            {
                Urls = ["http://127.0.0.1:0"],
                StartAdminInterface = true,
                // A body that it has read as JSON is written anew when it is passed on, and its signature is one of other bytes.
                DisableJsonBodyParsing = true,
                Logger = new WireMockNullLogger(),
            });
            return new LaunchedServer(new Uri(server.Url!), new Ending(server));
        },
        cancel);

    private sealed class Ending(WireMockServer server) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            server.Stop();
            server.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
