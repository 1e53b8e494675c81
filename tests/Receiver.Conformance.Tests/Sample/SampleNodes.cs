using System.Globalization;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Conformance.Tests.Sample;

/// <summary>Which store the sample keeps its events in.</summary>
internal enum SampleInbox
{
    Sqlite,
    PostgreSql,
}

/// <summary><c>samples/Integrator</c> as it is shipped, in processes of its own, on one store.</summary>
internal sealed class SampleNodes : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("webhooks-integrator-").FullName;
    private readonly int _feed = FreePort.Next();
    private readonly int[] _ports;
    private readonly string[] _store;
    private readonly List<ChildProcess> _processes = [];

    private SampleNodes(int nodes, params string[] store) => (_ports, _store) = ([.. Enumerable.Range(0, nodes).Select(_ => FreePort.Next())], store);

    private string LogPath => Path.Combine(_folder, "log");

    public static async Task<SampleNodes> StartAsync(SampleInbox inbox, int nodes)
    {
        var sample = inbox == SampleInbox.Sqlite
            ? new SampleNodes(1)
            : new SampleNodes(nodes, "--Inbox=postgresql", $"--ConnectionStrings:PostgreSql={await SharedPostgres.CreateDatabaseAsync()}");
        try
        {
            await sample.StartAsync();
            return sample;
        }
        catch
        {
            await sample.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the suite has to know of it; the secrets are those of its configuration for this purpose.</summary>
    public SuiteSettings Settings => new()
    {
        Nodes = [.. _ports.Select(port => new Uri(Address(port), "hooks"))],
        Secret = Secret("new secret for the conformance"), OldSecret = Secret("old secret for the conformance"), ExpiredSecret = Secret("expired secret for conformance"),
        Feed = Address(_feed), Observer = new Uri(Address(_ports[0]), "observed"), Restart = RestartAsync, Log = LogPath, Patience = Patience, SlowBody = TimeSpan.FromSeconds(60),
    };

    private async Task RestartAsync(CancellationToken cancel)
    {
        foreach (var process in _processes) await process.KillAsync();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        _processes.ForEach(process => process.Dispose());
        _processes.Clear();
        foreach (var port in _ports)
        {
            string[] arguments =
            [
                "--environment=Conformance", $"--contentRoot={AppContext.BaseDirectory}", $"--urls={Address(port)}", $"--Webhooks:platform:FeedBaseAddress={Address(_feed)}",
                $"--ConnectionStrings:Sqlite=Data Source={Path.Combine(_folder, "shop.db")}", .. _store,
            ];
            _processes.Add(await ChildProcess.StartAsync(Path.Combine(AppContext.BaseDirectory, "Integrator.dll"), arguments, Log));
        }
    }

    private void Log(string line)
    {
        lock (_processes) File.AppendAllText(LogPath, line + "\n");
    }

    private static Uri Address(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));

    private static WebhookSecret Secret(string text) => WebhookSecret.FromBytes(System.Text.Encoding.ASCII.GetBytes(text));

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Where(process => !process.HasExited)) await process.KillAsync();
        _processes.ForEach(process => process.Dispose());
        Directory.Delete(_folder, recursive: true);
    }
}
