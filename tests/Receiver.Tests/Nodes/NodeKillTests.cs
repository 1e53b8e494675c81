using System.Globalization;
using Webhooks.Testing;
using Xunit.Abstractions;

namespace Webhooks.Receiver.Tests;

/// <summary>
/// Promises 4, 10 and 12 with real processes: two nodes are killed (-9), suspended beyond their lease and stopped while events come, some never.
/// WEBHOOKS_KILL_SEED runs the course of a seed again, as far as what processes do can be repeated.
/// </summary>
public sealed class NodeKillTests(ITestOutputHelper output)
{
    private const int Events = 160;
    private const int Faults = 8;
    private const int LeastFaults = 3;

    // On a busy machine a process takes seconds to start; the suite is not to wait for that eight times.
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(8);

    [Fact]
    public async Task KillAndSuspend_TwoNodesUnderDeliveries_EffectsAreOneToNInOrderAndOnce()
    {
        var seed = Environment.GetEnvironmentVariable("WEBHOOKS_KILL_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Environment.TickCount;
        Say($"seed {seed}");
        var random = new Random(seed);
        var (schema, database) = (TestDatabase.NewSchema(), await TestDatabase.ConnectionStringAsync());
        await TestDatabase.RunAsync($"CREATE TABLE effect_{schema} (entry bigserial PRIMARY KEY, seq bigint NOT NULL, event_id text NOT NULL)");
        await using var feed = await FeedServer.StartAsync(Events);
        string[] urls = [$"http://127.0.0.1:{FreePort.Next()}", $"http://127.0.0.1:{FreePort.Next()}"];
        var nodes = await Task.WhenAll(urls.Select(StartAsync));
        try
        {
            var delivering = DeliverAsync(urls, new Random(seed));
            await Wait.UntilAsync(async () => await DoneAsync() > 5);
            var began = TimeProvider.System.GetTimestamp();
            for (var fault = 0; fault < Faults && (fault < LeastFaults || TimeProvider.System.GetElapsedTime(began) < Enough); fault++)
            {
                // The moment is what is tried: in a handler, between two, during a takeover.
                await Task.Delay(random.Next(50, 500));
                var i = random.Next(2);
                // The first two are what most depends on; what follows is drawn.
                switch (fault < 2 ? fault : random.Next(6))
                {
                    case 0 or 5:
                        Say($"{await DoneAsync()} done: node {i} is killed");
                        await KillAsync(i);
                        break;
                    case 1 or 4:
                        // Sometimes for less than the lease, sometimes for so long that the other node is in the midst of its work.
                        var pause = random.Next(500, 2000);
                        Say($"{await DoneAsync()} done: node {i} is suspended for {pause} ms");
                        nodes[i].Suspend();
                        await Task.Delay(pause);
                        nodes[i].Continue();
                        break;
                    case 2:
                        Say($"{await DoneAsync()} done: both nodes are killed");
                        await Task.WhenAll(KillAsync(0), KillAsync(1));
                        break;
                    default:
                        Say($"{await DoneAsync()} done: node {i} is stopped");
                        await nodes[i].TellAsync("stop");
                        using (var limit = new CancellationTokenSource(Wait.Limit)) await nodes[i].WaitAsync(limit.Token);
                        await RestartAsync(i);
                        break;
                }
            }

            var answers = await delivering;
            Say($"{await DoneAsync()} done after all faults; accepted {answers.Accepted} of {answers.Sent} deliveries");
            await Wait.UntilAsync(async () => await DoneAsync() >= Events);
            var effects = (string)(await TestDatabase.RunAsync($"SELECT string_agg(seq || ' ' || event_id, ',' ORDER BY entry) FROM effect_{schema}"))!;
            Assert.Equal(string.Join(",", Enumerable.Range(1, Events).Select(seq => $"{seq} {Sent.Event(seq).Id}")), effects);
            // Otherwise the course would show nothing: some have to come by delivery, and some by the feed only.
            Assert.InRange(answers.Accepted, 1, answers.Sent);
            Assert.NotEmpty(feed.Reads);
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
        }

        async Task<long> DoneAsync() => (long)(await TestDatabase.RunAsync($"SELECT count(*) FROM effect_{schema}"))!;

        async Task KillAsync(int i)
        {
            await nodes[i].KillAsync();
            await RestartAsync(i);
        }

        async Task RestartAsync(int i)
        {
            nodes[i].Dispose();
            nodes[i] = await StartAsync(urls[i]);
        }

        Task<ChildProcess> StartAsync(string url) => ChildProcess.StartAsync(Path.Combine(AppContext.BaseDirectory, "Receiver.Node.dll"),
        [
            "--url", url, "--database", database, "--schema", schema, "--feed", feed.Address.ToString(), "--secret", TestApp.Secret.Reveal(),
        ]);
    }

    /// <summary>To either node, each time to another; some come twice, some late, and some never. What is refused is not sent again: the feed has it.</summary>
    private static async Task<(int Sent, int Accepted)> DeliverAsync(string[] urls, Random random)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMilliseconds(500) };
        var later = new Queue<long>();
        var (sent, accepted) = (0, 0);
        for (var seq = 1L; seq <= Events; seq++)
        {
            var fate = random.Next(10);
            if (fate == 0) continue;
            if (fate == 1) later.Enqueue(seq);
            else await PostAsync(seq);
            if (fate == 2) await PostAsync(seq);
            if (later.Count > 3) await PostAsync(later.Dequeue());
            await Task.Delay(random.Next(5, 25));
        }

        return (sent, accepted);

        async Task PostAsync(long seq)
        {
            using var request = TestApp.Request(Sent.Event(seq).Id, Sent.Event(seq).Body);
            request.RequestUri = new Uri($"{urls[random.Next(2)]}/hooks");
            sent++;
            try
            {
                using var response = await http.SendAsync(request);
                if (response.IsSuccessStatusCode) accepted++;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
            }
        }
    }

    private void Say(FormattableString what) => output.WriteLine(FormattableString.Invariant(what));
}
