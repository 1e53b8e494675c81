using Hangfire;
using Hangfire.States;
using Webhooks.Dispatcher.Hangfire.Jobs;
using Webhooks.Dispatcher.Hosting.Contract;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Hangfire.Tests;

/// <summary>What stands in Hangfire's tables, and for how long.</summary>
public class JobTests
{
    /// <summary>One job for each time that an endpoint gets busy, not one for each event; and those that have finished are gone before the hour is.</summary>
    [Fact]
    public async Task Jobs_OfManyEvents_AreFewAndForgottenSoon()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        // However slow the machine: no job is believed lost.
        await using var host = new HangfireHost(await SharedPostgres.CreateDatabaseAsync()) { Configure = options => options.LostAfter = TimeSpan.FromHours(1) };
        await using var platform = await ContractPlatform.StartAsync(host.DispatcherDatabase, host);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => platform.PublishAsync(application)));
        await platform.SettledAsync(endpoint, 300);
        ContractPlatform.InOrder(receiver, 300);
        await ContractPlatform.UntilAsync(
            async () => await host.CountAsync("SELECT count(*) FROM hangfire.job WHERE statename IN ('Enqueued', 'Processing')") == 0,
            "all jobs have ended");
        // One job for each event would be 300; maintenance has its own.
        Assert.InRange(await host.CountAsync("SELECT count(*) FROM hangfire.job"), 1, 60);
        Assert.Equal(0, await host.CountAsync("SELECT count(*) FROM hangfire.job WHERE statename NOT IN ('Succeeded', 'Enqueued', 'Processing')"));
        Assert.Equal(0, await host.CountAsync(
            "SELECT count(*) FROM hangfire.job WHERE statename = 'Succeeded' AND (expireat IS NULL OR expireat > now() + interval '10 minutes')"));
    }

    /// <summary>A job that fails is not retried by Hangfire, whose filter for the platform's own jobs stays as it is.</summary>
    [Fact]
    public async Task Job_Fails_IsNotRetriedAndTheFiltersOfOthersStay()
    {
        await using var host = new HangfireHost(await SharedPostgres.CreateDatabaseAsync());
        await using var platform = await ContractPlatform.StartAsync(host.DispatcherDatabase, host);
        var client = new BackgroundJobClient(platform.Get<Microsoft.Extensions.Options.IOptions<WebhookHangfireOptions>>().Value.Storage!);
        var ours = client.Create<DispatcherJobs>(
            jobs => jobs.DrainAsync("not an endpoint", "webhooks", CancellationToken.None), new EnqueuedState("webhooks"));
        var theirs = client.Create(() => PlatformJob.Fail(), new EnqueuedState("default"));
        await ContractPlatform.UntilAsync(
            async () => await host.CountAsync($"SELECT count(*) FROM hangfire.job WHERE id = {ours} AND statename = 'Deleted' AND expireat IS NOT NULL") == 1,
            "ours is deleted");
        await ContractPlatform.UntilAsync(
            async () => await host.CountAsync($"SELECT count(*) FROM hangfire.job WHERE id = {theirs} AND statename = 'Scheduled'") == 1,
            "theirs is to be retried");
        Assert.Contains(GlobalJobFilters.Filters, filter => filter.Instance is AutomaticRetryAttribute { Attempts: 10 });
    }

    /// <summary>The wait stands in the dispatcher's table; Hangfire is told of it and shows it.</summary>
    [Fact]
    public async Task Retry_IsFarOff_IsAScheduledJob()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Of(500));
        await using var host = new HangfireHost(await SharedPostgres.CreateDatabaseAsync());
        await using var platform = await ContractPlatform.StartAsync(
            host.DispatcherDatabase, host, configure: options =>
            {
                options.Delivery.Waits.Clear();
                options.Delivery.Waits.Add(TimeSpan.FromMinutes(10));
            });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await ContractPlatform.UntilAsync(
            async () => await host.CountAsync($"SELECT count(*) FROM hangfire.job WHERE statename = 'Scheduled' AND arguments::text LIKE '%{endpoint}%'") == 1,
            "the retry is scheduled");
        var off = await host.CountAsync("SELECT abs(extract(epoch FROM s.due_at) - h.score)::bigint FROM webhooks.delivery_state s, hangfire.set h WHERE h.key = 'schedule'");
        Assert.InRange(off, 0, 10);
    }

    /// <summary>A short wait, found by the dispatcher's own look, and a long one whose job is lost: both come to their attempt.</summary>
    [Fact]
    public async Task Retry_WhoseJobIsLost_IsFoundByTheSweep()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.Of(500));
        await using var host = new HangfireHost(await SharedPostgres.CreateDatabaseAsync());
        await using var platform = await ContractPlatform.StartAsync(
            host.DispatcherDatabase, host, configure: options =>
            {
                options.Delivery.Waits.Clear();
                options.Delivery.Waits.Add(TimeSpan.FromSeconds(8));
            });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await ContractPlatform.UntilAsync(
            async () => await host.CountAsync("SELECT count(*) FROM hangfire.job WHERE statename = 'Scheduled'") == 1,
            "the retry is scheduled");
        await host.LoseJobsAsync();
        await platform.SettledAsync(endpoint, 1);
    }

    [Fact]
    public async Task RecurringJobs_AreEntered()
    {
        await using var host = new HangfireHost(await SharedPostgres.CreateDatabaseAsync());
        await using var platform = await ContractPlatform.StartAsync(host.DispatcherDatabase, host);
        await ContractPlatform.UntilAsync(
            async () => await host.CountAsync("SELECT count(*) FROM hangfire.set WHERE key = 'recurring-jobs' AND value IN ('webhooks-sweep', 'webhooks-maintenance')") == 2,
            "both are entered");
    }

    /// <summary>The jobs may be kept anywhere: nothing is committed together with them.</summary>
    [Fact]
    public async Task Jobs_InAnotherDatabase_DeliverAsWell()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var dispatcher = await SharedPostgres.CreateDatabaseAsync();
        await using var host = new HangfireHost(dispatcher, await SharedPostgres.CreateDatabaseAsync());
        await using var platform = await ContractPlatform.StartAsync(dispatcher, host);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application, 5);
        await platform.SettledAsync(endpoint, 5);
        Assert.True(await host.CountAsync("SELECT count(*) FROM hangfire.job") > 0);
        Assert.Equal(0, await platform.CountAsync("SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'hangfire'"));
    }

    /// <summary>A platform's web process need not run Hangfire at all.</summary>
    [Fact]
    public async Task Process_ThatOnlyPublishes_MakesNoJobs()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        await using var host = new HangfireHost(database);
        await using var platform = await ContractPlatform.StartAsync(database, host, configure: options => options.RunWorker = false);
        var (application, _) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.PublishAsync(application);
        Assert.Equal(0, await platform.CountAsync("SELECT count(*) FROM webhooks.node"));
        Assert.Equal(0, await host.CountAsync("SELECT count(*) FROM hangfire.set WHERE key = 'recurring-jobs'"));
    }

    public static class PlatformJob
    {
        public static void Fail() => throw new InvalidOperationException("as it happens");
    }
}
