using System.Globalization;
using Microsoft.Data.Sqlite;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Signing;
using Webhooks.Testing;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Events that come more than once, soon or late.</summary>
internal static class DuplicateDrills
{
    private const string Gate = "gate of the handlers", Answers = "answers", StoredAgain = "stored again";

    private static readonly TimeSpan EightDays = TimeSpan.FromDays(8);

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("duplicate", "What comes again, processed or still waiting, is accepted and has no second effect")
        {
            Tags = ["order", "duplicate"],
            Story = """
                The operator sends the stream again from its beginning. Some of it the receiver has processed, some it has stored while a slow handler keeps it
                waiting. All are accepted, for the sender can do nothing about it, and each has its effect once.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan { BeforeEffect = async call => await (call.Event.Seq > 2 ? Opened(call.Stage).Task : Task.CompletedTask) },
            Steps =
            [
                Do("the customer's handlers will be slow from event 3 on", Close), Publish(5), Until(See.Processed(2)), Until(See.Delivered(5)),
                Resume(after: 0), Until(See.AtLeastRequests(10)), Until(See.Delivered(5)), Do("the handlers go on", Open), Until(See.Processed(5)),
            ],
            Expect = [See.Arrived(1, 2, 3, 4, 5, 1, 2, 3, 4, 5), See.Attempts(), See.Processed(5)],
            Bites = ["dedupe"],
        },
        new("late-duplicate", "A duplicate after days, of what the inbox has forgotten, is known by its number; an old copy is refused by its time")
        {
            Tags = ["order", "duplicate"],
            Story = """
                Eight days later (the receiver's clock is put forward) the inbox has forgotten the events, for it keeps processed ones for seven. They come once
                more, freshly signed, as from a replay: they are at or below the watermark, and so are accepted without effect. Byte for byte the same request
                as eight days ago, as an eavesdropper would send it, is refused, for its signed time is too old. Back in the present, the stream goes on.
                """,
            Stub = Script.Of(Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Steps =
            [
                Publish(3), Until(See.Processed(3)), Until(See.Delivered(3)), Do("eight days pass for the receiver", stage => MoveAsync(stage, EightDays)),
                Do("wait until the inbox has forgotten the events", UntilForgottenAsync), Do("the events come again, freshly signed, and as they were", SendAgainAsync),
                Stay(0.3), Until(See.Processed(3)), Do("the receiver's clock is right again", stage => MoveAsync(stage, TimeSpan.Zero)), Publish(1), Until(See.Processed(4)),
            ],
            Expect =
            [
                See.Processed(4),
                See.That("what was freshly signed was answered 204, and the old copies 401", Look.Stub,
                    e => (string)e.Stage.Notes[Answers] == "204 401 204 401 204 401", e => $"it was {e.Stage.Notes[Answers]}"),
                See.That("the inbox stored none of what came again", Look.Stub, e => (long)e.Stage.Notes[StoredAgain] == 0, e => $"it stored {e.Stage.Notes[StoredAgain]}"),
            ],
            Bites = ["watermark-dedupe", "timestamp"],
        },
    ];

    private static Task Close(Stage stage)
    {
        stage.Notes[Gate] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Task.CompletedTask;
    }

    private static Task Open(Stage stage)
    {
        Opened(stage).SetResult();
        return Task.CompletedTask;
    }

    private static TaskCompletionSource Opened(Stage stage) => (TaskCompletionSource)stage.Notes[Gate];

    private static async Task MoveAsync(Stage stage, TimeSpan ahead)
    {
        await stage.Receiver!.StopAsync();
        stage.Receiver.Clock.Ahead = ahead;
        await stage.Receiver.StartAsync(stage.Cancel);
    }

    private static async Task UntilForgottenAsync(Stage stage)
    {
        while (await CountStoredAsync(stage) > 0) await Task.Delay(TimeSpan.FromMilliseconds(50), stage.Cancel);
    }

    private static async Task<long> CountStoredAsync(Stage stage)
    {
        await using var connection = new SqliteConnection($"Data Source={stage.Receiver!.InboxPath};Mode=ReadOnly");
        await connection.OpenAsync(stage.Cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM received";
        return (long)(await command.ExecuteScalarAsync(stage.Cancel))!;
    }

    private static async Task SendAgainAsync(Stage stage)
    {
        using var http = new HttpClient();
        var client = new SignedWebhookClient(http, stage.Receiver!.Url, stage.Target.Secrets, stage.Receiver.Clock);
        var answers = new List<int>();
        foreach (var one in (await stage.Target.Stub.JournalAsync(stage.Cancel)).Select(one => one.Request))
        {
            var then = DateTimeOffset.FromUnixTimeSeconds(long.Parse(one.Header(WebhookHeaders.Timestamp)!, CultureInfo.InvariantCulture));
            foreach (var at in new DateTimeOffset?[] { null, then })
            {
                using var answer = await client.PostAsync(one.WebhookId, one.Body, new SignedPostOptions { SignedAt = at }, stage.Cancel);
                answers.Add((int)answer.StatusCode);
            }
        }

        stage.Notes[Answers] = string.Join(' ', answers);
        stage.Notes[StoredAgain] = await CountStoredAsync(stage);
    }
}
