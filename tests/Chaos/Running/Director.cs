using System.Collections.Concurrent;
using Webhooks.Chaos.Faults;
using Webhooks.Chaos.Judging;
using Webhooks.Chaos.Planning;
using Webhooks.Testing;

namespace Webhooks.Chaos.Running;

/// <summary>Does what the plan says, when it says so, and notes what was done.</summary>
internal sealed class Director(Stage stage, Operator @operator)
{
    private readonly ConcurrentQueue<Incident> _incidents = new();
    private readonly ConcurrentDictionary<DeedKind, int> _done = new();
    private int _terminated;

    public IReadOnlyList<Incident> Incidents => [.. _incidents];

    public int Terminated => _terminated;

    public int Done(DeedKind kind) => _done.GetValueOrDefault(kind);

    /// <summary>Does all of it. What one deed takes keeps none of the others waiting, but for those of the same process, endpoint or server.</summary>
    public async Task PerformAsync(CancellationToken cancel)
    {
        var began = DateTime.UtcNow;
        var doing = new List<Task>();
        foreach (var deed in stage.Plan.Deeds)
        {
            if (began + deed.At - DateTime.UtcNow is var wait && wait > TimeSpan.Zero) await Task.Delay(wait, cancel);
            doing.Add(Task.Run(() => DoAsync(deed), cancel));
            // A deed that cannot be done ends the run at once.
            if (doing.Find(one => one.IsFaulted) is { } failed) await failed;
        }

        if (began + stage.Plan.Settings.Duration - DateTime.UtcNow is var rest && rest > TimeSpan.Zero) await Task.Delay(rest, cancel);
        await Task.WhenAll(doing);
    }

    private async Task DoAsync(Deed deed)
    {
        await (deed.Kind switch
        {
            DeedKind.Kill => KillAsync(deed),
            DeedKind.Suspend => SuspendAsync(deed),
            DeedKind.RestartDatabase => RestartAsync(),
            DeedKind.TerminateConnections => TerminateAsync(deed),
            DeedKind.Fault => FaultAsync(deed),
            DeedKind.Pause => @operator.PauseAsync(stage.Slots[deed.Whom], deed.For),
            DeedKind.Rewind => @operator.MoveAsync(stage.Slots[deed.Whom], -deed.Amount),
            DeedKind.Skip => @operator.MoveAsync(stage.Slots[deed.Whom], deed.Amount),
            DeedKind.RotateSecret => @operator.RotateAsync(stage.Slots[deed.Whom], deed.For),
            DeedKind.CreateEndpoint => @operator.CreateAsync(stage.Slots[deed.Whom]),
            DeedKind.UpdateEndpoint => @operator.UpdateAsync(stage.Slots[deed.Whom]),
            _ => @operator.DeleteAsync(stage.Slots[deed.Whom]),
        });
        _done.AddOrUpdate(deed.Kind, 1, (_, count) => count + 1);
    }

    private async Task KillAsync(Deed deed)
    {
        var actor = stage.Actors[deed.Role!.Value][deed.Whom];
        var at = await actor.KillAsync(deed.For);
        // Its connections are found dead, and its leases run out.
        _incidents.Enqueue(new Incident(at, at, $"kill -9 of {actor.Name}"));
    }

    private async Task SuspendAsync(Deed deed)
    {
        var actor = stage.Actors[deed.Role!.Value][deed.Whom];
        var (from, to) = await actor.SuspendAsync(deed.For);
        _incidents.Enqueue(new Incident(from, to, $"suspension of {actor.Name}"));
    }

    private async Task RestartAsync()
    {
        var from = DateTime.UtcNow;
        await stage.Postgres.RestartAsync(ShutdownMode.Immediate);
        _incidents.Enqueue(new Incident(from, DateTime.UtcNow, "restart of the database"));
    }

    private Task TerminateAsync(Deed deed) => Operator.PersistAsync(async () =>
    {
        await using var command = stage.Data.CreateCommand("""
            SELECT count(pg_terminate_backend(pid)) FROM (
                SELECT pid FROM pg_stat_activity WHERE application_name = 'webhooks-dispatcher' AND datname = current_database() ORDER BY random() LIMIT $1) AS chosen
            """);
        command.Parameters.Add(new() { Value = deed.Amount });
        var at = DateTime.UtcNow;
        var ended = Convert.ToInt32(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
        Interlocked.Add(ref _terminated, ended);
        _incidents.Enqueue(new Incident(at, DateTime.UtcNow, $"end of {ended} connections"));
    });

    private async Task FaultAsync(Deed deed)
    {
        var slot = stage.Slots[deed.Whom];
        var fault = deed.Fault!.Value;
        await stage.Actors[Role.Receiver][slot.Receiver].TellAsync(FaultyEdge.Order(slot.Source, fault, fault == Fault.Gone ? 1 : deed.Amount));
        if (fault != Fault.Gone) return;
        await Task.Delay(deed.For);
        await @operator.ResumeAsync(slot);
    }
}
