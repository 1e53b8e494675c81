using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class SlowBody() : ConformanceCase(
    "slow-body", "A sender that stands still in the middle of a body is given up, and holds up nobody",
    "Each such connection keeps a buffer and a request. Fifty are left standing, others are served meanwhile, and all of them have to be ended: by 4xx or by closing.")
{
    private const int AtOnce = 50;

    public override async Task RunAsync(CaseRun run)
    {
        var slow = new List<WireConnection>();
        try
        {
            var answers = new List<Task<WireAnswer>>();
            for (var i = 0; i < AtOnce; i++)
            {
                var request = run.Attempt(run.Stream.Draft()).ToRequest();
                var connection = await WireConnection.OpenAsync(run.Url, run.Cancel);
                slow.Add(connection);
                await connection.WriteHeadAsync(request, run.Cancel);
                await connection.WriteAsync(request.Body[..10], run.Cancel);
                answers.Add(connection.ReadAnswerAsync(run.Cancel));
            }

            var healthy = run.Stream.Next();
            await run.AcceptAsync(healthy, $"a valid delivery beside {AtOnce} that stand still");
            await Task.WhenAny(Task.WhenAll(answers), Task.Delay(run.Settings.SlowBody, run.Cancel));
            var standing = answers.Count(answer => !answer.IsCompleted);
            if (standing > 0) run.Problem($"{standing} of {AtOnce} connections stand still after {run.Settings.SlowBody.TotalSeconds:0.#} s (see --slow-body)");
            foreach (var answer in answers.Where(answer => answer.IsCompletedSuccessfully && answer.Result.Status is (> 0 and < 400) or >= 500).Take(1))
                run.Problem($"half a body was answered {answer.Result}");
            await run.HandledOnceAsync(healthy);
        }
        finally
        {
            foreach (var connection in slow) await connection.DisposeAsync();
        }
    }
}
