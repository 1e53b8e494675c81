using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>The receiver's own troubles: its inbox, its handlers, a crash.</summary>
internal static class ReceiverDrills
{
    private const string Lock = "lock of the inbox", Released = "the handler may go on", Child = "receiver process";

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("inbox-down", "While the inbox cannot be written the receiver answers 503 and asks for time; nothing is lost")
        {
            Tags = ["receiver"],
            Story = """
                The disk with the receiver's inbox hangs: nothing can be stored. A receiver that said 204 now would lose the event for good, so it answers
                503 with Retry-After, and its health says why. The dispatcher waits as long as it was asked to, which is one failed delivery and no pause.
                When the disk is back, all is delivered and processed.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan { Options = options => options.InsertTimeout = TimeSpan.FromSeconds(1) },
            Steps =
            [
                Publish(2), Until(See.Processed(2)), Do("nothing can be written to the inbox any more", LockInbox), Publish(3),
                Until(See.FailedOnlyAs("unavailable")), UntilHealth(HealthStatus.Unhealthy, "deliveries cannot be stored"), Do("the inbox can be written again", UnlockInbox),
                Until(See.Delivered(5)), UntilHealth(HealthStatus.Healthy, null),
            ],
            Expect = [See.Processed(5), See.FailedOnlyAs("unavailable"), See.Waited(3, 4.9), See.NeverPaused],
            Bites = ["durable-before-2xx"],
        },
        new("handler-fails", "A failing handler is called again, its half-done work undone; deliveries know nothing of it")
        {
            Tags = ["receiver"],
            Story = """
                The customer's handler fails twice at one event, before it has done anything, and once at another, after it has written. Each time it is
                called again, and what it had written was rolled back with its transaction; so each event has its effect once, and in order. To the
                dispatcher all of them were delivered at the first attempt.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan
            {
                BeforeEffect = call => call is { Seq: 3, Attempt: <= 2 } ? throw new InvalidOperationException("the stock system does not answer") : Task.CompletedTask,
                AfterEffect = call => call is { Seq: 5, Attempt: 1 } ? throw new InvalidOperationException("no such customer") : Task.CompletedTask,
            },
            Steps = [Publish(7), Until(See.Processed(7)), Until(See.Delivered(7))],
            Expect = [See.Processed(7), See.Requests(7), See.Attempts()],
            Bites = ["handler-called-again"],
        },
        new("handler-hangs", "A handler that never ends is told of by health, and deliveries go on being stored")
        {
            Tags = ["receiver"],
            Story = """
                The customer's handler hangs at event 2 and takes no notice of its cancellation. Events in order can only wait behind it; but the receiver
                goes on taking and storing them, and its health names the event that holds all up. When the handler is free again, everything is processed.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan { Options = options => options.HandlerTimeout = TimeSpan.FromSeconds(0.5), BeforeEffect = HangAsync },
            Steps =
            [
                Publish(3), UntilHealth(HealthStatus.Unhealthy, "has not ended"), Publish(5), Until(See.Delivered(8)),
                Until(See.Processed(1)), Do("the handler is free again", stage => NoteAsync(stage, Released, true)), Until(See.Processed(8)),
                UntilHealth(HealthStatus.Healthy, null),
            ],
            Expect = [See.Processed(8), See.Requests(8), See.Attempts()],
            Bites = ["overdue-handler-told"],
        },
        new("crash-between-effect-and-mark", "A receiver killed between effect and mark processes the event once")
        {
            Tags = ["receiver", "kill"],
            Story = """
                The receiver's process is killed outright in the worst moment: its handler has written what event 3 causes, and the mark "processed" is not
                written yet. Both are one transaction, so neither is there when it starts again; the event is in the inbox, and is processed once.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Do("start the receiver as a process that hangs after the effect of event 3", StartChildAsync), Publish(5), Until(See.Delivered(5)),
                Do("wait until the effect of event 3 is written and not committed", stage => Process(stage).WaitUntilWrittenAsync(stage.Cancel)),
                Do("kill the receiver's process", KillChildAsync), Until(See.Processed(2)),
                Do("start the receiver again", stage => stage.Receiver!.StartAsync(stage.Cancel)), Until(See.Processed(5)),
            ],
            Expect = [See.Processed(5), See.Requests(5), See.Attempts()],
            Bites = ["effect-with-mark"],
        },
    ];

    private static Step UntilHealth(HealthStatus status, string? says) =>
        UntilNull($"the receiver's health is {status.ToString().ToLowerInvariant()}{(says is null ? "" : $": \"{says}\"")}", async stage =>
        {
            var entry = (await stage.Receiver!.HealthAsync(stage.Cancel)).Entries.Values.Single();
            var isSo = entry.Status == status && (says is null || entry.Description?.Contains(says, StringComparison.Ordinal) == true);
            return isSo ? null : $"it is {entry.Status}: {entry.Description}";
        });

    private static Task NoteAsync(Stage stage, string name, object value)
    {
        stage.Notes[name] = value;
        return Task.CompletedTask;
    }

    private static async Task LockInbox(Stage stage)
    {
        // Whoever writes to the file has to wait for this transaction; what is in it can be read.
        var connection = stage.Own(new SqliteConnection($"Data Source={stage.Receiver!.InboxPath};Pooling=False"));
        await connection.OpenAsync(stage.Cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        await command.ExecuteNonQueryAsync(stage.Cancel);
        stage.Notes[Lock] = connection;
    }

    private static async Task UnlockInbox(Stage stage) => await ((SqliteConnection)stage.Notes[Lock]).DisposeAsync();

    private static async Task HangAsync(Handling call)
    {
        if (call is not { Seq: 2, Attempt: 1 }) return;
        while (!call.Stage.Notes.ContainsKey(Released) && !call.Stage.Cancel.IsCancellationRequested) await Task.Delay(20);
    }

    private static ReceiverProcess Process(Stage stage) => (ReceiverProcess)stage.Notes[Child];

    private static async Task StartChildAsync(Stage stage)
    {
        await stage.Receiver!.StopAsync();
        stage.Notes[Child] = stage.Own(await ReceiverProcess.StartAsync(stage.Receiver.Place, 3, line => stage.Log.Add("receiver", line)));
    }

    private static Task KillChildAsync(Stage stage) => Process(stage).KillAsync();
}
