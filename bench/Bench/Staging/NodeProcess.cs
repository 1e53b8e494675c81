using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Staging;

/// <summary>A dispatcher process as its parent sees it. Its timestamps are this machine's monotonic clock, the same in every process.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process _process;

    private NodeProcess(Process process, Uri address)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = address };
    }

    public int ProcessId => _process.Id;

    /// <summary>Asks it over HTTP: its feed is here.</summary>
    public HttpClient Client { get; }

    public static async Task<NodeProcess> StartAsync(NodeSettings settings, CancellationToken cancel)
    {
        var process = ChildProgram.Start(NodeProgram.Name);
        await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(settings).AsMemory(), cancel);
        await process.StandardInput.FlushAsync(cancel);
        var address = await process.StandardOutput.ReadLineAsync(cancel)
            ?? throw new InvalidOperationException("The dispatcher process ended before it was ready; its log stands above.");
        return new NodeProcess(process, new Uri(address));
    }

    public async Task<NodeCounts> CountAsync(CancellationToken cancel) =>
        (await Client.GetFromJsonAsync<NodeCounts>(new Uri("/counts", UriKind.Relative), cancel))!;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await ChildProgram.StopAsync(_process, TimeSpan.FromSeconds(20));
    }
}
