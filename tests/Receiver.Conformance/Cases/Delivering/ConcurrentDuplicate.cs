using Webhooks.Conformance.Sending;
using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class ConcurrentDuplicate() : ConformanceCase(
    "concurrent-duplicate", "The same event on many connections at the same moment is handled once",
    "Two senders, or a retry that overtakes its first attempt. Looking whether it is there, and then inserting, lets both through; only the store's own uniqueness does not. "
    + "All but the last byte of each request is sent before any of them is ended.", Needs.Observer)
{
    private const int Rounds = 5;
    private const int AtOnce = 12;

    public override async Task RunAsync(CaseRun run)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var one = run.Stream.Next();
            var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var ready = new CountdownEvent(AtOnce);
            var sending = Enumerable.Range(0, AtOnce).Select(i => SendAsync(run, run.Attempt(one), run.Settings.Nodes[i % run.Settings.Nodes.Count], ready, gate.Task)).ToList();
            await Task.Run(() => ready.Wait(run.Settings.Patience), run.Cancel);
            gate.SetResult();
            var answers = await Task.WhenAll(sending);
            if (answers.Any(answer => answer.IsAccepted)) run.Stream.Accepted(one.Seq);
            foreach (var answer in answers.Where(answer => !answer.IsAccepted).Take(1)) run.Problem($"one of {AtOnce} at the same moment was answered {answer}, not 2xx");
            await run.HandledOnceAsync(one);
        }

        var last = run.Stream.Next();
        await run.AcceptAsync(last);
        await run.HandledOnceAsync(last);
    }

    private static async Task<WireAnswer> SendAsync(CaseRun run, Attempt attempt, Uri node, CountdownEvent ready, Task gate)
    {
        var request = attempt.ToRequest();
        WireConnection? connection = null;
        try
        {
            connection = await WireConnection.OpenAsync(node, run.Cancel);
            await connection.WriteHeadAsync(request, run.Cancel);
            await connection.WriteAsync(request.Body[..^1], run.Cancel);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            if (connection is not null) await connection.DisposeAsync();
            return WireAnswer.None(e.Message);
        }
        finally
        {
            ready.Signal();
        }

        await using (connection)
        {
            await gate;
            await connection.WriteAsync(request.Body[^1..], run.Cancel);
            return await connection.ReadAnswerAsync(run.Cancel).WaitAsync(run.Settings.Patience, run.Cancel);
        }
    }
}
