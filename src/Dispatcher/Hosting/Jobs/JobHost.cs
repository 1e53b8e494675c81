using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Hosting.Jobs;

/// <summary>How a host with jobs goes about it.</summary>
internal sealed class JobHostOptions
{
    /// <summary>For how long one job may send to one endpoint; then it hands the endpoint back, and another job is made for it.</summary>
    public TimeSpan DrainBudget { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A job that has not taken its endpoint so long after it should have begun is believed lost, and another is made. The queue may only be long; a second job does no harm.
    /// </summary>
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// A host whose endpoints are drained by the jobs of somebody else's queue. What it may not rely on is that queue: who has an endpoint is settled by the leases alone, what
/// is due stands in the dispatcher's tables, and a job only says where to look. The queue's owner runs <see cref="RunAsync"/> in each process that takes jobs, and calls the
/// rest from jobs.
/// </summary>
internal sealed class JobHost : IDispatcherHost, IDisposable
{
    // More than a few hundred jobs in a queue deliver nothing sooner; what they would be made for is found again when these have begun.
    private const int AtATime = 500;
    private const int MakersAtATime = 4;

    // Who does not answer for so long goes on by itself: a job that waits holds a worker that others need (promise 9).
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    // Shorter waits are found by polling; they are over before a scheduler has looked.
    private static readonly TimeSpan LeastToSchedule = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PatienceForNode = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    private readonly DispatcherWork _work;
    private readonly DispatcherLoops _loops;
    private readonly IDrainJobs _jobs;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly JobHostOptions _options;
    private readonly WebhookDispatcherOptions _dispatcher;
    private readonly DrainHints _hints;
    private readonly Signal _due;
    private readonly ConcurrentDictionary<long, bool> _known = new();
    private readonly ConcurrentDictionary<long, bool> _waiting = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly Lock _gate = new();
    private Task? _leaving;

    public JobHost(
        DispatcherWork work, DispatcherLoops loops, IDrainJobs jobs, IHostApplicationLifetime lifetime, TimeProvider time, IOptions<JobHostOptions> options,
        IOptions<WebhookDispatcherOptions> dispatcher)
    {
        (_work, _loops, _jobs, _lifetime, _time, _options, _dispatcher) = (work, loops, jobs, lifetime, time, options.Value, dispatcher.Value);
        _hints = new DrainHints(_options.LostAfter, time);
        _due = new Signal(time);
        work.EndpointsDue += endpoints =>
        {
            foreach (var endpoint in endpoints) _known[endpoint] = true;
            _due.Set();
        };
        work.EndpointWaits += endpoint =>
        {
            _waiting[endpoint] = true;
            _due.Set();
        };
    }

    /// <summary>Whether this process is to run <see cref="RunAsync"/>, and has not begun to end.</summary>
    public bool IsActive => _dispatcher.RunWorker && !_stop.IsCancellationRequested;

    /// <summary>
    /// Numbers, renews, listens and makes jobs until it is stopped. Of several calls at a time, as two servers in one process make, one does that, and another when it has ended.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _stop.Token);
        try
        {
            await _one.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            await Task.WhenAll(
                Task.Run(() => _loops.SequenceAsync(either.Token), CancellationToken.None),
                Task.Run(() => _loops.RenewAsync(_due.Set, either.Token), CancellationToken.None),
                Task.Run(() => _loops.TasksAsync(either.Token), CancellationToken.None),
                Task.Run(() => _loops.ListenAsync(either.Token), CancellationToken.None),
                Task.Run(() => _loops.RunAsync("jobs", () => MakeJobsAsync(either.Token), either.Token), CancellationToken.None));
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Sends what an endpoint has; the work of a job. Nothing happens when it has nothing, or somebody else is at it.</summary>
    public async Task<DrainEnd> DrainAsync(WebhookEndpointId endpoint, CancellationToken cancel)
    {
        if (_stop.IsCancellationRequested) return DrainEnd.NotTaken;
        await WaitForLeaseAsync(cancel);
        var end = await _work.DrainAsync(endpoint, _options.DrainBudget, Patience, cancel, _abort.Token);
        if (end == DrainEnd.NotTaken) _hints.Forget(endpoint);
        return end;
    }

    /// <summary>Makes jobs for all that should have been taken long ago, whoever looks after it and whatever was made for it; the work of a recurring job.</summary>
    public async Task<int> SweepAsync(CancellationToken cancel)
    {
        var missed = await _work.FindDueAsync([], _options.LostAfter, AtATime, cancel);
        foreach (var due in missed) _jobs.Enqueue(due.Id);
        return missed.Count;
    }

    /// <summary>Makes and drops partitions; the work of a recurring job.</summary>
    public Task MaintainAsync(CancellationToken cancel) => _work.MaintainAsync(cancel);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Before whoever runs the jobs is stopped, as it waits for those that run: they end when their endpoints are stopped.
        _lifetime.ApplicationStopping.Register(() => _ = LeaveAsync());
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(_abort.Cancel);
        await LeaveAsync();
    }

    public void Dispose()
    {
        _stop.Dispose();
        _abort.Dispose();
        _one.Dispose();
    }

    private Task LeaveAsync()
    {
        lock (_gate) return _leaving ??= Task.Run(async () =>
        {
            await _stop.CancelAsync();
            // The loops have ended: what renews must not join again.
            await _one.WaitAsync();
            await _work.StopAsync();
        });
    }

    /// <summary>
    /// The first jobs may come before this process has joined the others. One that has lost them, but not the queue, must not use up jobs that others could do, as fast as
    /// they are made.
    /// </summary>
    private async Task WaitForLeaseAsync(CancellationToken cancel)
    {
        var began = _time.GetTimestamp();
        while (!_work.HasLease)
        {
            if (_time.GetElapsedTime(began) >= PatienceForNode)
                throw new TimeoutException("This process takes the dispatcher's jobs but has no lease: it does not reach the dispatcher's database, or runs none of its loops.");
            await Task.Delay(BetweenLooks, _time, cancel);
        }
    }

    private async Task MakeJobsAsync(CancellationToken stop)
    {
        await _due.WaitAsync(_dispatcher.Delivery.PollInterval, stop);
        var known = Take(_known);
        var waiting = Take(_waiting);
        try
        {
            var due = await _work.FindDueAsync(known, null, AtATime, stop);
            if (waiting.Count > 0) due.AddRange((await _work.ReadWaitsAsync(waiting, stop)).Where(one => one.Wait >= LeastToSchedule));
            var wanted = due.Where(_hints.IsWanted).ToList();
            if (wanted.Count == 1) Make(wanted[0]);
            else if (wanted.Count > 1) Parallel.ForEach(wanted, new ParallelOptions { MaxDegreeOfParallelism = MakersAtATime, CancellationToken = stop }, Make);
        }
        catch
        {
            foreach (var endpoint in known) _known[endpoint] = true;
            foreach (var endpoint in waiting) _waiting[endpoint] = true;
            throw;
        }
    }

    private void Make(DueEndpoint due)
    {
        if (due.Wait > TimeSpan.Zero) _jobs.Schedule(due.Id, due.Wait);
        else _jobs.Enqueue(due.Id);
        _hints.Made(due);
    }

    private static List<long> Take(ConcurrentDictionary<long, bool> set)
    {
        if (set.IsEmpty) return [];
        List<long> taken = [.. set.Keys];
        foreach (var endpoint in taken) set.TryRemove(endpoint, out _);
        return taken;
    }
}
