using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Receiver.Tests;

/// <summary>
/// Promises 4, 10 and 12 on the receiver's side: random courses of deliveries, duplicates, losses, reorders, suspended and killed nodes, takeovers and backfill
/// on two nodes that share a PostgreSQL inbox. WEBHOOKS_MODEL_REPLAY="seed,gamma" (as a failure prints them) runs one again; WEBHOOKS_MODEL_RUNS sets how many.
/// </summary>
public sealed class TwoNodeModelTests
{
    private const int Lanes = 4;

    [Fact]
    public async Task TwoNodes_AnyCourse_EffectsAreOneToNInOrderAndOnce()
    {
        var replay = Environment.GetEnvironmentVariable("WEBHOOKS_MODEL_REPLAY")?.Split(',').Select(ulong.Parse).ToArray();
        var runs = int.Parse(Environment.GetEnvironmentVariable("WEBHOOKS_MODEL_RUNS") ?? "2000");
        var config = Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithEndSize(28);
        await Task.WhenAll(Enumerable.Range(0, replay is null ? Lanes : 1).Select(_ => Task.Run(async () =>
        {
            await using var lane = await CourseLane.OpenAsync();
            Prop.ForAll(TwoNodeStep.Courses, steps => TwoNodeCourse.RunAsync(lane, steps).GetAwaiter().GetResult()).Check(
                replay is null ? config.WithMaxTest(runs / Lanes) : config.WithMaxTest(1).WithReplay(replay[0], replay[1]));
        })));
    }
}
