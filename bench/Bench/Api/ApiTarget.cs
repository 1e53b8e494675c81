using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Api;

/// <summary>The server under test as its parent sees it.</summary>
internal sealed class ApiTarget : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ApiTargetSettings _settings;
    private readonly ApiTargetAddress _address;

    private ApiTarget(Process process, ApiTargetSettings settings, ApiTargetAddress address) => (_process, _settings, _address) = (process, settings, address);

    public Uri Url => _address.Url;

    public string Application => _address.Application;

    public string Key => _address.Key;

    public string Store => _settings.Store;

    /// <summary>Its processor time so far.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<ApiTarget> StartAsync(ApiTargetSettings settings, CancellationToken cancel)
    {
        var process = ChildProgram.Start(ApiTargetProgram.Name);
        await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(settings).AsMemory(), cancel);
        await process.StandardInput.FlushAsync(cancel);
        var address = await process.StandardOutput.ReadLineAsync(cancel) ?? throw new InvalidOperationException($"The {settings.Kind} target ended before it took connections.");
        return new ApiTarget(process, settings, JsonSerializer.Deserialize<ApiTargetAddress>(address)!);
    }

    /// <summary>What its database holds.</summary>
    public async Task<long> StoredAsync(CancellationToken cancel)
    {
        await using var data = NpgsqlDataSource.Create(_settings.Store);
        await using var count = data.CreateCommand(_settings.Kind == ApiTargetKind.Api ? "SELECT count(*) FROM webhooks.event" : "SELECT count(*) FROM received");
        return (long)(await count.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>A request that publishes one event.</summary>
    public byte[] One(int n) => Request("events", Event(n));

    /// <summary>A request that publishes several.</summary>
    public byte[] Many(int first, int count) =>
        Request("events/batch", [.. "{\"events\":["u8, .. Enumerable.Range(first, count).SelectMany(n => n == first ? Event(n) : [(byte)',', .. Event(n)]), .. "]}"u8]);

    public async ValueTask DisposeAsync() => await ChildProgram.StopAsync(_process, TimeSpan.FromSeconds(15));

    private static byte[] Event(int n) => [.. Encoding.ASCII.GetBytes($"{{\"type\":\"{Payload.EventType}\",\"data\":"), .. Payload.Data(n), (byte)'}'];

    private byte[] Request(string path, byte[] body) => [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"POST /v1/applications/{_address.Application}/{path} HTTP/1.1\r\nHost: {Url.Authority}\r\nAuthorization: Bearer {_address.Key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n")), .. body];
}
