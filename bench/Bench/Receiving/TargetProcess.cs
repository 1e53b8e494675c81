using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Receiving;

/// <summary>The server under test as its parent sees it.</summary>
internal sealed class TargetProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;

    private TargetProcess(Process process, Uri address) => (_process, _client) = (process, new HttpClient { BaseAddress = address });

    public Uri Hooks => new(_client.BaseAddress!, "/hooks");

    /// <summary>Its processor time so far.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<TargetProcess> StartAsync(TargetSettings settings, CancellationToken cancel)
    {
        var process = ChildProgram.Start(TargetProgram.Name);
        await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(settings).AsMemory(), cancel);
        await process.StandardInput.FlushAsync(cancel);
        var address = await process.StandardOutput.ReadLineAsync(cancel) ?? throw new InvalidOperationException($"The {settings.Kind} target ended before it took connections.");
        return new TargetProcess(process, new Uri(address));
    }

    public async Task<TargetCounts> CountsAsync(CancellationToken cancel) =>
        (await _client.GetFromJsonAsync<TargetCounts>(new Uri("/counts", UriKind.Relative), cancel))!;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await ChildProgram.StopAsync(_process, TimeSpan.FromSeconds(15));
    }
}
