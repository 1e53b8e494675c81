using System.Diagnostics;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Sink;

/// <summary>The sink as its parent sees it. Its timestamps are this machine's monotonic clock, the same in every process.</summary>
internal sealed class SinkProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;

    private SinkProcess(Process process, Uri address)
    {
        _process = process;
        _client = new HttpClient { BaseAddress = address };
    }

    public static async Task<SinkProcess> StartAsync(CancellationToken cancel)
    {
        var process = ChildProgram.Start(SinkProgram.Name);
        var address = await process.StandardOutput.ReadLineAsync(cancel)
            ?? throw new InvalidOperationException("The sink ended before it took connections.");
        return new SinkProcess(process, new Uri(address));
    }

    public int ProcessId => _process.Id;

    public string Origin => _client.BaseAddress!.GetLeftPart(UriPartial.Authority);

    public Uri Url(int endpoint) => new(_client.BaseAddress!, $"/e/{endpoint}");

    public Uri[] Urls(int endpoints) => [.. Enumerable.Range(0, endpoints).Select(Url)];

    /// <summary>An address that takes a request and never answers it. Nothing of it is in the ledger.</summary>
    public Uri UrlWithoutAnswer(int number) => new(_client.BaseAddress!, $"/never/{number}");

    /// <summary>Begins a new ledger.</summary>
    public Task ResetAsync(int endpoints, int events, CancellationToken cancel) => ResetAsync(new SinkRun(endpoints, events), cancel);

    /// <inheritdoc cref="ResetAsync(int, int, CancellationToken)"/>
    public async Task ResetAsync(SinkRun run, CancellationToken cancel)
    {
        using var answer = await _client.PostAsJsonAsync(new Uri("/reset", UriKind.Relative), run, cancel);
        answer.EnsureSuccessStatusCode();
    }

    public async Task<SinkCounts> CountAsync(CancellationToken cancel) =>
        (await _client.GetFromJsonAsync<SinkCounts>(new Uri("/counts", UriKind.Relative), cancel))!;

    public async Task<long[]> ArrivalsAsync(CancellationToken cancel) =>
        MemoryMarshal.Cast<byte, long>(await _client.GetByteArrayAsync(new Uri("/arrivals", UriKind.Relative), cancel)).ToArray();

    /// <summary>Waits until so many distinct events have come, or for so long.</summary>
    public async Task<SinkCounts> WaitAsync(long distinct, TimeSpan most, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var counts = await CountAsync(cancel);
            if (counts.Distinct + counts.Broken >= distinct || Stopwatch.GetElapsedTime(began) > most) return counts;
            await Task.Delay(20, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await ChildProgram.StopAsync(_process, TimeSpan.FromSeconds(5));
    }
}
