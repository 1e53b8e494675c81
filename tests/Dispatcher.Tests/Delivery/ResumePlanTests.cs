using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Tests.Delivery;

public class ResumePlanTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    private static readonly EndpointId Id = EndpointId.New();

    [Theory]
    [InlineData(EndpointStatus.Active, null, 10, "NotPaused")]
    [InlineData(EndpointStatus.Deleted, null, 10, "NotPaused")]
    [InlineData(EndpointStatus.Paused, PauseReason.Manual, 10, "PausedByOperator")]
    [InlineData(EndpointStatus.Paused, PauseReason.Gone, 21, "AfterAboveHead")]
    [InlineData(EndpointStatus.Paused, PauseReason.Failing, 3, "AfterBelowFloor")]
    [InlineData(EndpointStatus.Paused, PauseReason.Failing, 4, "None")]
    [InlineData(EndpointStatus.Paused, PauseReason.Gone, 20, "None")]
    public void Receiver_MayResume_OnlyWhatPausedByItself(EndpointStatus status, PauseReason? reason, long after, string refusal) =>
        Assert.Equal(refusal, ResumePlan.ForReceiver(Row(status, reason), after).ToString());

    [Fact]
    public void Receiver_TooSoon_IsToldLast()
    {
        var row = Row(EndpointStatus.Paused, PauseReason.Failing) with { ReceiverResumeFrom = Noon.AddSeconds(1) };
        Assert.Equal(ResumeRefusal.TooSoon, ResumePlan.ForReceiver(row, 10));
        Assert.Equal(ResumeRefusal.AfterAboveHead, ResumePlan.ForReceiver(row, 21));
        Assert.Equal(ResumeRefusal.None, ResumePlan.ForReceiver(row with { Now = Noon.AddSeconds(1) }, 10));
    }

    [Theory]
    [InlineData(10, null)]
    [InlineData(12, "11-12 taken_from_feed 12")]
    [InlineData(15, "11-15 taken_from_feed 15")]
    [InlineData(20, "11-15 taken_from_feed 15")]
    [InlineData(8, "9-10 rewound 8")]
    public void Receiver_PassesOver_OnlyWhatTheFeedServed(long after, string? move) =>
        Assert.Equal(move, Text(ResumePlan.MoveForReceiver(Row(EndpointStatus.Paused, PauseReason.Failing), after)));

    [Fact]
    public void Receiver_FeedServedLessThanTheCursor_PassesOverNothing() =>
        Assert.Null(ResumePlan.MoveForReceiver(Row(EndpointStatus.Paused, PauseReason.Failing) with { FeedServed = 2 }, 20));

    [Theory]
    [InlineData(null, null)]
    [InlineData(10L, null)]
    [InlineData(20L, "11-20 skipped 20")]
    [InlineData(4L, "5-10 rewound 4")]
    public void Operator_SkipsWhatNobodySaw(long? after, string? move) =>
        Assert.Equal(move, Text(ResumePlan.ForOperator(Row(EndpointStatus.Active, null).Status, after)));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(6, 32)]
    [InlineData(7, 60)]
    [InlineData(1_000_000, 60)]
    public void Receiver_Backoff_DoublesUpToAnHour(int resumes, int minutes) => Assert.Equal(TimeSpan.FromMinutes(minutes), ResumePlan.Backoff(resumes));

    private static string? Text(CursorMove? move) => move is null ? null : $"{move.First}-{move.Last} {move.Outcome} {move.Cursor}";

    private static StreamRow Row(EndpointStatus status, PauseReason? reason) => new(
        1, 0,
        new StreamStatus
        {
            Endpoint = Id, Status = status, PauseReason = reason, Epoch = 1, EpochStart = 1, Floor = 5, Head = 20, Cursor = 10, ConsecutiveFailures = 0,
        },
        FeedServed: 15, ReceiverAccess.FeedAndResume, ReceiverResumes: 0, ReceiverResumeFrom: null, Now: Noon);
}
