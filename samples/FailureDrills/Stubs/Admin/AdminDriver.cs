using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>Stubs on a WireMock of either kind, told over its admin API. Each stub has a path of its own, so that one server serves all drills, and others beside them.</summary>
internal sealed class AdminDriver : IStubDriver
{
    private readonly IAdminDialect _dialect;
    private readonly HttpClient _admin;
    private readonly Uri _server;
    private readonly IAsyncDisposable? _owned;

    /// <param name="server">Where it is.</param>
    /// <param name="dialect">Which kind it is.</param>
    /// <param name="owned">What ends with the driver; null when the server is somebody else's.</param>
    public AdminDriver(Uri server, IAdminDialect dialect, IAsyncDisposable? owned = null)
    {
        (_server, _dialect, _owned) = (server, dialect, owned);
        _admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(server, "/__admin/"), Timeout = TimeSpan.FromSeconds(30) };
    }

    public string Name => _dialect.Name;

    public Can Can => _dialect.Can;

    /// <exception cref="HttpRequestException">It is not there, or its admin API is not.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        using var answer = await _admin.GetAsync("mappings?limit=1", cancel);
        answer.EnsureSuccessStatusCode();
    }

    public async Task<IStub> OpenAsync(StubOpening opening, CancellationToken cancel)
    {
        var stub = new AdminStub(_admin, _dialect, _server);
        await stub.PlayAsync(opening.Script, cancel);
        return stub;
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        if (_owned is not null) await _owned.DisposeAsync();
    }
}
