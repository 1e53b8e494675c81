using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class AnswerLost() : ConformanceCase(
    "timeout-then-retry", "A sender that goes away before the answer, and sends again, causes one effect",
    "The request is sent whole, the connection closed without waiting, and the event sent again. A receiver that ties its commit to the connection, or answers before it commits, fails here.",
    Needs.Observer)
{
    // From at once to what a commit may take, in milliseconds: the sender is to be gone at every moment in between.
    private static readonly int[] Waits = [0, 2, 10, 30, 100];

    public override async Task RunAsync(CaseRun run)
    {
        foreach (var wait in Waits)
        {
            var one = run.Stream.Next();
            await using (var connection = await WireConnection.OpenAsync(run.Url, run.Cancel))
            {
                await connection.WriteAsync(run.Attempt(one).ToRequest(), run.Cancel);
                await Task.Delay(wait, run.Cancel);
                connection.Reset();
            }

            await run.AcceptAsync(one, "the retry of a delivery whose sender had gone away");
            await run.HandledOnceAsync(one);
        }
    }
}
