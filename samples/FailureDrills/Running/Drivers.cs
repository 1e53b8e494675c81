using Webhooks.FailureDrills.Stubs;
using Webhooks.FailureDrills.Stubs.Admin;
using Webhooks.FailureDrills.Stubs.Scripted;

namespace Webhooks.FailureDrills.Running;

/// <summary>The drivers of a run, and what was asked for and is not there.</summary>
internal sealed class Drivers : IAsyncDisposable
{
    public const string WireMock = "wiremock", WireMockNet = "wiremock-net";

    public static readonly IReadOnlyList<string> Names = [WireMock, WireMockNet, ScriptedDriver.DriverName];

    private readonly List<IStubDriver> _drivers = [];

    public IReadOnlyList<IStubDriver> All => _drivers;

    /// <summary>Names of drivers that cannot be had, with the reason.</summary>
    public Dictionary<string, string> Missing { get; } = [];

    /// <param name="asked">The names asked for; none for whatever is there.</param>
    /// <param name="wireMock">Where a WireMock is; null for one of our own.</param>
    /// <param name="wireMockNet">Where a WireMock.Net is; null for one of our own, or none.</param>
    /// <param name="launcher">Starts a WireMock.Net of our own; null in a program that holds none.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task<Drivers> BringAsync(
        IReadOnlyCollection<string> asked, Uri? wireMock, Uri? wireMockNet, IServerLauncher? launcher, CancellationToken cancel)
    {
        var drivers = new Drivers();
        try
        {
            if (Wants(WireMock)) await drivers.BringWireMockAsync(wireMock, cancel);
            if (Wants(WireMockNet)) await drivers.BringWireMockNetAsync(wireMockNet, launcher, isAsked: asked.Count > 0, cancel);
            if (Wants(ScriptedDriver.DriverName)) drivers._drivers.Add(new ScriptedDriver());
            return drivers;
        }
        catch
        {
            await drivers.DisposeAsync();
            throw;
        }

        bool Wants(string name) => asked.Count == 0 || asked.Contains(name);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var driver in _drivers) await driver.DisposeAsync();
    }

    private async Task BringWireMockAsync(Uri? url, CancellationToken cancel)
    {
        if (url is not null)
        {
            await ReachAsync(new AdminDriver(url, new JavaDialect()), url, cancel);
            return;
        }

        var (server, trouble) = await WireMockProcess.StartAsync(cancel);
        if (server is null) Missing[WireMock] = trouble!;
        else _drivers.Add(new AdminDriver(server.Url, new JavaDialect(), server));
    }

    private async Task BringWireMockNetAsync(Uri? url, IServerLauncher? launcher, bool isAsked, CancellationToken cancel)
    {
        if (url is not null)
        {
            await ReachAsync(new AdminDriver(url, new NetDialect()), url, cancel);
        }
        else if (launcher is not null)
        {
            var launched = await launcher.StartAsync(cancel);
            await ReachAsync(new AdminDriver(launched.Url, new NetDialect(), launched.Server), launched.Url, cancel);
        }
        else if (isAsked)
        {
            Missing[WireMockNet] = "this program holds no WireMock.Net: samples/FailureDrills.WireMockNet does, or say where one is with --wiremock-net URL";
        }
    }

    private async Task ReachAsync(AdminDriver driver, Uri url, CancellationToken cancel)
    {
        try
        {
            await driver.CheckAsync(cancel);
            _drivers.Add(driver);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            await driver.DisposeAsync();
            Missing[driver.Name] = $"no admin API at {url}: {e.Message}";
        }
    }
}
