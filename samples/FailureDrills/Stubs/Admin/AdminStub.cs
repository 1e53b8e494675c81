using System.Net.Http.Json;
using System.Text.Json;
using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>A path of a WireMock, with mappings and a journal of its own; both are removed at the end.</summary>
internal sealed class AdminStub(HttpClient admin, IAdminDialect dialect, Uri server) : IStub
{
    private readonly string _path = $"/drills/{Guid.NewGuid():N}";
    private readonly List<(int From, Script Script)> _played = [];
    private List<Guid> _mappings = [];
    private string? _scenario;
    private Uri? _receiver;

    public Uri Url => new(server, _path);

    public async Task PlayAsync(Script script, CancellationToken cancel)
    {
        // A script that passes requests on begins when it is known whom to.
        _played.Add((_played.Count == 0 ? 0 : (await JournalAsync(cancel)).Count, script));
        if (_receiver is not null || !script.Needs.HasFlag(Can.Forward)) await MapAsync(script, cancel);
    }

    public async Task ForwardToAsync(Uri receiver, CancellationToken cancel)
    {
        _receiver = receiver;
        await MapAsync(_played[^1].Script, cancel);
    }

    public async Task<IReadOnlyList<StubRequest>> JournalAsync(CancellationToken cancel)
    {
        using var request = dialect.AskJournal(_path);
        using var answer = await admin.SendAsync(request, cancel);
        answer.EnsureSuccessStatusCode();
        return [.. dialect.ReadJournal(await answer.Content.ReadFromJsonAsync<JsonElement>(cancel), _path).Select((one, i) =>
        {
            // Which script it was is known to the request: whatever was under way when scripts changed may be told wrongly, for people only.
            var (from, script) = _played.Last(played => played.From <= i);
            return new StubRequest(one, script.At(i - from).Words);
        })];
    }

    public Task StopAsync() => throw new NotSupportedByDriverException("one path of a server cannot refuse connections");

    public Task StartAgainAsync() => StopAsync();

    public async ValueTask DisposeAsync()
    {
        try
        {
            await UnmapAsync(_mappings, _scenario, CancellationToken.None);
            using var request = dialect.ForgetJournal(_path);
            if (request is not null) (await admin.SendAsync(request)).Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The server is gone, and its mappings with it.
        }
    }

    private async Task MapAsync(Script script, CancellationToken cancel)
    {
        var (old, oldScenario) = (_mappings, _scenario);
        // A name of its own each time, without what a path would have to escape.
        (_mappings, _scenario) = ([], $"drills-{Guid.NewGuid():N}");
        // Backwards, so that no request finds the last answer before the first is there; the newest mapping is preferred, and the old ones go afterwards.
        foreach (var (id, mapping) in dialect.Map(_path, _scenario, script, _receiver).Reverse())
        {
            using var request = dialect.Add(id, mapping);
            using var answer = await admin.SendAsync(request, cancel);
            if (!answer.IsSuccessStatusCode)
                throw new NotSupportedByDriverException($"the server refused a mapping with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancel)}");
            _mappings.Add(id);
        }

        await UnmapAsync(old, oldScenario, cancel);
    }

    private async Task UnmapAsync(List<Guid> mappings, string? scenario, CancellationToken cancel)
    {
        foreach (var id in mappings) (await admin.DeleteAsync($"mappings/{id}", cancel)).Dispose();
        if (scenario is null || mappings.Count < 2) return;
        using var request = dialect.ForgetScenario(scenario);
        if (request is not null) (await admin.SendAsync(request, cancel)).Dispose();
    }
}
