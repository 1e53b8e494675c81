using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Reporting;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.FailureDrills.Stubs.Scripted;
using Webhooks.Testing;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Tests;

/// <summary>A drill that must fail does, and says enough to be understood without a debugger.</summary>
public sealed class DrillRunTests : IAsyncLifetime
{
    private Databases _databases = null!;

    public async Task InitializeAsync() => _databases = await Databases.StartAsync(CancellationToken.None);

    public Task DisposeAsync() => _databases.DisposeAsync().AsTask();

    [Fact]
    public async Task Drill_WhoseExpectationIsNotSeen_FailsWithExpectationObservationAndBothSidesSteps()
    {
        var result = await RunAsync(Drill with
        {
            Steps = [Publish(2), Until(See.Paused(PauseReason.Gone))],
            Expect = [See.That("the stub got a second chance", Look.Stub, _ => false, evidence => See.Many(evidence.One.Requests.Count, "request"))],
        });
        Assert.Equal(Verdict.Failed, result.Verdict);
        Assert.Equal(new Missed("the stub got a second chance", "one request"), Assert.Single(result.Missed));
        var report = TextReport.Failure(result);
        Assert.Contains("expected  the stub got a second chance", report, StringComparison.Ordinal);
        Assert.Contains("seen      one request", report, StringComparison.Ordinal);
        Assert.Contains("publish 2 events", report, StringComparison.Ordinal);
        Assert.Contains("<- stub     POST 1 (evt_", report, StringComparison.Ordinal);
        Assert.Contains("failed: gone 410", report, StringComparison.Ordinal);
        Assert.Contains("endpoint.paused by dispatcher", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_ForWhatNeverComes_FailsWithTheWaitsWordsWhenTheBudgetIsUp()
    {
        var result = await RunAsync(Drill with { Steps = [Publish(1), Until(See.Delivered(1))], Budget = TimeSpan.FromSeconds(12) });
        Assert.Equal(Verdict.Failed, result.Verdict);
        Assert.Equal("event 1 is delivered", result.Missed[0].Expectation);
    }

    [Fact]
    public async Task Drill_OnADriverThatCannotDoWhatItNeeds_IsNotSupportedAndNeverPassed()
    {
        await using var driver = new OnlyPlain();
        var result = await new DrillRun(Drill with { Stub = Script.Of(Answer.Broken(Fault.Reset)) }, driver, _databases, new Pace()).RunAsync(CancellationToken.None);
        Assert.Equal(Verdict.NotSupported, result.Verdict);
        Assert.Equal("it cannot do a connection reset", result.Reason);
    }

    [Fact]
    public async Task Drill_WhoseStubIsGone_FailsAndStillTellsThePlatformsSide()
    {
        await using var scripted = new ScriptedDriver();
        await using var driver = new Elsewhere(scripted);
        var drill = Drill with { Steps = [Publish(1), Until(See.Paused(PauseReason.Gone)), Do("lose the stub's journal", stage => Task.FromResult(driver.IsLost = true))] };
        var report = TextReport.Failure(await new DrillRun(drill, driver, _databases, new Pace(Patience: 3)).RunAsync(CancellationToken.None));
        Assert.Contains("HttpRequestException: nobody is there", report, StringComparison.Ordinal);
        Assert.Contains("failed: gone 410", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_BrokenOff_TellsWhatHadEndedAndFailsNothing()
    {
        using var cancel = new CancellationTokenSource();
        Drill[] drills =
        [
            Drill with { Budget = TimeSpan.FromSeconds(120), Steps = [Do("nothing", _ => Task.CompletedTask)], Expect = [See.Active] },
            Drill with { Name = "another", Steps = [Do("break off", _ => cancel.CancelAsync()), Until(See.Delivered(1))] },
        ];
        await using var drivers = await Drivers.BringAsync(["scripted"], null, null, null, CancellationToken.None);
        var outcome = await CatalogueRun.RunAsync(drills, drivers, _databases, new Pace(Parallel: 1), (_, _) => { }, _ => { }, cancel.Token);
        Assert.Equal([Verdict.Passed, Verdict.NotRun], outcome.Results.Select(result => result.Verdict));
        Assert.Contains("the run was broken off", outcome.Remarks);
    }

    [Fact]
    public async Task Command_WithAServerThatIsAskedForAndNotThere_CannotRun() =>
        Assert.Equal(DrillsCommand.CannotRun, await DrillsCommand.RunAsync(["gone", "--wiremock", $"http://127.0.0.1:{FreePort.Next()}"]));

    [Fact]
    public async Task Command_WithNothingToRun_CannotRun() => Assert.Equal(DrillsCommand.CannotRun, await DrillsCommand.RunAsync(["gone", "--tag", "secrets"]));

    [Fact]
    public async Task Stub_OnAnotherAddress_IsCalledOverThisMachineAndAReset_StaysOne()
    {
        // 127.0.0.1 by another name: no other address can be counted on.
        await using var scripted = new ScriptedDriver();
        await using var driver = new Elsewhere(scripted);
        var drill = Drill with
        {
            Stub = Script.Of(Answer.Broken(Fault.Reset), Answer.Ok), Steps = [Publish(2), Until(See.Delivered(2))], Expect = [See.Arrived(1, 1, 2), See.Attempts("connection_reset")],
        };
        var result = await new DrillRun(drill, driver, _databases, new Pace(Patience: 3)).RunAsync(CancellationToken.None);
        Assert.True(result.Verdict == Verdict.Passed, TextReport.Failure(result));
    }

    private static Drill Drill { get; } = new("an-example", "Something that holds")
    {
        Tags = ["answers"], Story = "An example.", Stub = Script.Of(Answer.Of(410, "gone")), Steps = [Publish(1)], Expect = [],
    };

    private async Task<DrillResult> RunAsync(Drill drill)
    {
        await using var driver = new ScriptedDriver();
        return await new DrillRun(drill, driver, _databases, new Pace()).RunAsync(CancellationToken.None);
    }

    private sealed class Elsewhere(IStubDriver driver) : IStubDriver
    {
        public bool IsLost { get; set; }

        public string Name => "elsewhere";

        public Can Can => driver.Can;

        public async Task<IStub> OpenAsync(StubOpening opening, CancellationToken cancel) => new ElsewhereStub(this, await driver.OpenAsync(opening, cancel));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class ElsewhereStub(Elsewhere driver, IStub stub) : IStub
    {
        public Uri Url => new UriBuilder(stub.Url) { Host = "[::ffff:127.0.0.1]" }.Uri;

        public Task PlayAsync(Script script, CancellationToken cancel) => stub.PlayAsync(script, cancel);

        public Task<IReadOnlyList<StubRequest>> JournalAsync(CancellationToken cancel) =>
            driver.IsLost ? throw new HttpRequestException("nobody is there") : stub.JournalAsync(cancel);

        public Task ForwardToAsync(Uri receiver, CancellationToken cancel) => stub.ForwardToAsync(receiver, cancel);

        public Task StopAsync() => stub.StopAsync();

        public Task StartAgainAsync() => stub.StartAgainAsync();

        public ValueTask DisposeAsync() => stub.DisposeAsync();
    }

    private sealed class OnlyPlain : IStubDriver
    {
        public string Name => "plain";

        public Can Can => Can.Nothing;

        public Task<IStub> OpenAsync(StubOpening opening, CancellationToken cancel) => throw new InvalidOperationException("It was not to be asked.");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
