using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

/// <summary>
/// Promises 1, 5 and 10 for what stands in the database: random courses of operations by two nodes, an operator and a receiver, some at the same
/// time, compared after each with a plain model. WEBHOOKS_MODEL_REPLAY="seed,gamma" (as a failure prints them) runs one again; WEBHOOKS_MODEL_RUNS sets how many.
/// </summary>
public class StreamModelTests
{
    private const int Lanes = 4;

    [Fact]
    public async Task Stream_AnyCourseOfOperations_IsAsInTheModelAndLosesNothing()
    {
        var replay = Environment.GetEnvironmentVariable("WEBHOOKS_MODEL_REPLAY")?.Split(',').Select(ulong.Parse).ToArray();
        var runs = int.Parse(Environment.GetEnvironmentVariable("WEBHOOKS_MODEL_RUNS") ?? "2000");
        var config = Config.QuickThrowOnFailure.WithQuietOnSuccess(true);
        await Task.WhenAll(Enumerable.Range(0, replay is null ? Lanes : 1).Select(_ => Task.Run(async () =>
        {
            await using var lane = await ModelLane.OpenAsync();
            Prop.ForAll(StreamStep.Courses, steps => StreamCourse.RunAsync(lane, steps).GetAwaiter().GetResult()).Check(
                replay is null ? config.WithMaxTest(runs / Lanes) : config.WithMaxTest(1).WithReplay(replay[0], replay[1]));
        })));
    }
}
