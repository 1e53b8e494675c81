using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class ConnectionLost() : ConformanceCase(
    "broken-connection-then-retry", "Half a request has no effect, and the whole one afterwards has one",
    "The connection is reset in the middle of the body, and the event sent again. What was half received must leave nothing behind: no effect, and no mark that makes the retry a duplicate.",
    Needs.Observer)
{
    private const int Rounds = 5;
    private static readonly TimeSpan Read = TimeSpan.FromMilliseconds(20);

    public override async Task RunAsync(CaseRun run)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var one = run.Stream.Next();
            await using (var connection = await WireConnection.OpenAsync(run.Url, run.Cancel))
            {
                var request = run.Attempt(one).ToRequest();
                await connection.WriteHeadAsync(request, run.Cancel);
                await connection.WriteAsync(request.Body[..(request.Body.Length / 2)], run.Cancel);
                // A reset takes with it what was not read yet.
                await Task.Delay(Read, run.Cancel);
                connection.Reset();
            }

            await run.AcceptAsync(one, "the retry of a delivery that broke in the middle");
            await run.HandledOnceAsync(one);
        }
    }
}
