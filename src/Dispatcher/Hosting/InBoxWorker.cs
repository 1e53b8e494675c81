using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>The host that comes with the dispatcher: a few loops in a background service.</summary>
internal sealed class InBoxWorker : BackgroundService, IDispatcherHost
{
    private readonly DispatcherWork _work;
    private readonly DispatcherLoops _loops;
    private readonly TimeProvider _time;
    private readonly WebhookDispatcherOptions _options;
    private readonly Signal _endpoints;
    private readonly CancellationTokenSource _abort = new();

    public InBoxWorker(DispatcherWork work, DispatcherLoops loops, TimeProvider time, IOptions<WebhookDispatcherOptions> options)
    {
        (_work, _loops, _time, _options) = (work, loops, time, options.Value);
        _endpoints = new Signal(time);
        work.EndpointsDue += _ => _endpoints.Set();
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Requests under way may end, as long as the host is willing to wait; then they are broken off, and sent again by whoever comes next.
        await using var registration = cancellationToken.Register(_abort.Cancel);
        await _work.StopAsync();
    }

    public override void Dispose()
    {
        _abort.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => !_options.RunWorker
        ? Task.CompletedTask
        : Task.WhenAll(
            Task.Run(() => _loops.SequenceAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => DeliverAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => _loops.RenewAsync(_endpoints.Set, stoppingToken), CancellationToken.None),
            Task.Run(() => MaintainAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => _loops.TasksAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => _loops.ListenAsync(stoppingToken), CancellationToken.None));

    private Task DeliverAsync(CancellationToken stop) => _loops.RunAsync("delivery", async () =>
    {
        if (await _work.DeliverAsync(stop, _abort.Token) > 0) return;
        // What is left to the others is looked at again soon, should none of them have taken it.
        var poll = _options.Delivery.PollInterval;
        await _endpoints.WaitAsync(poll > Pumps.Courtesy && _work.IsSated ? Pumps.Courtesy : poll, stop);
    }, stop);

    private Task MaintainAsync(CancellationToken stop) => _loops.RunAsync("maintenance", async () =>
    {
        await _work.MaintainAsync(stop);
        await Task.Delay(_options.Retention.Interval, _time, stop);
    }, stop);
}
