namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>Starts a stub server whose package this project does without: the seam for samples/FailureDrills.WireMockNet, which has it.</summary>
internal interface IServerLauncher
{
    /// <returns>A server of its own for one run, on a port that it chooses.</returns>
    Task<LaunchedServer> StartAsync(CancellationToken cancel);
}

/// <summary>A server that was started.</summary>
/// <param name="Url">Where stubs are called; its admin API is below <c>/__admin</c>.</param>
/// <param name="Server">Ends it.</param>
internal sealed record LaunchedServer(Uri Url, IAsyncDisposable Server);
