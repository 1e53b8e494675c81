using System.CommandLine;
using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Receiving;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Api;

/// <summary>Publishing over HTTP: one event a request beside an endpoint that only inserts, in turn in the same run; and many events a request.</summary>
internal static class ApiCommand
{
    // Rounds beforehand, for the runtime, which compiles anew what it sees is used, for the pools and for the caches.
    private const int WarmUp = 8;
    private const int Accepted = 202;

    public static Command Create()
    {
        var rounds = WholeNumber.Option("--rounds", "Rounds of each kind, in turn, of which the median is taken", 20);
        var requests = WholeNumber.Option("--requests", "Single requests in each round", 5_000);
        var atOnce = WholeNumber.Option("--connections", "Connections of single requests", 64);
        var batch = WholeNumber.Option("--batch", "Events in a batch", 500);
        var writers = WholeNumber.Option("--writers", "Connections of batches", 4);
        var list = WholeNumber.Option("--list", "Events in the list whose pages are read, in thousands", 1_000);
        var command = new Command("api", "Publishing over HTTP, one by one and in batches; pages of a long list") { rounds, requests, atOnce, batch, writers, list, Report.Json };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, async report =>
        {
            await using var server = await BenchServer.StartAsync(cancel);
            await CompareAsync(report, server, parsed.GetValue(rounds), parsed.GetValue(requests), parsed.GetValue(atOnce), cancel);
            await BatchAsync(report, server, parsed.GetValue(rounds), parsed.GetValue(batch), parsed.GetValue(writers), parsed.GetValue(list) * 1000, cancel);
            report.Add("fsync_ms", Disk.FsyncMilliseconds(server.Postgres.DataDirectory), "median of writing and syncing 8 KiB here");
        }));
        return command;
    }

    private static async Task CompareAsync(Report report, BenchServer server, int rounds, int requests, int atOnce, CancellationToken cancel)
    {
        await using var insert = await Series.StartAsync(ApiTargetKind.Insert, server, cancel);
        await using var api = await Series.StartAsync(ApiTargetKind.Api, server, cancel);
        for (var round = -WarmUp; round < rounds; round++)
        {
            foreach (var series in new[] { insert, api })
            {
                var prepared = new byte[requests][];
                Parallel.For(0, requests, i => prepared[i] = series.Target.One((int)series.Sent + i));
                await series.SendAsync(prepared, requests, atOnce, counts: round >= 0, cancel);
            }
        }

        await insert.TellAsync(report, "insert", $"requests of about 1 KB, {atOnce} at once, each stored; what gathers shares a statement", cancel);
        await api.TellAsync(report, "single", $"events published one a request, {atOnce} at once", cancel);
        report.Add("single_vs_insert", new Distribution(api.PerSecond.Zip(insert.PerSecond, (mine, theirs) => mine / theirs)).Median, "median over pairs of rounds; target at least 0.5");
    }

    private static async Task BatchAsync(Report report, BenchServer server, int rounds, int size, int writers, int list, CancellationToken cancel)
    {
        await using var api = await Series.StartAsync(ApiTargetKind.Api, server, cancel);
        // What is beyond the rounds only makes the list as long as it is to be.
        for (var round = -WarmUp / 2; round < rounds || api.Sent < list; round++)
        {
            var prepared = new byte[writers * 10][];
            Parallel.For(0, prepared.Length, i => prepared[i] = api.Target.Many((int)api.Sent + (i * size), size));
            await api.SendAsync(prepared, prepared.Length * size, writers, counts: round >= 0 && round < rounds, cancel);
        }

        await api.TellAsync(report, "batch", string.Create(CultureInfo.InvariantCulture, $"events published {size} a request, {writers} requests at once, durably; target at least 20,000"), cancel);
        await ListPages.MeasureAsync(report, api.Target, server.CountsStatements, cancel);
    }

    /// <summary>Rounds at one target.</summary>
    private sealed class Series(ApiTarget target) : IAsyncDisposable
    {
        private readonly List<double> _cpuMicroseconds = [];

        public ApiTarget Target => target;

        public List<double> PerSecond { get; } = [];

        public long Sent { get; private set; }

        public static async Task<Series> StartAsync(ApiTargetKind kind, BenchServer server, CancellationToken cancel) =>
            new(await ApiTarget.StartAsync(new ApiTargetSettings(kind, await server.CreateDatabaseAsync(cancel)), cancel));

        public async Task SendAsync(byte[][] requests, int events, int atOnce, bool counts, CancellationToken cancel)
        {
            var before = target.Cpu;
            var took = await RequestLoad.SendAsync(target.Url, requests, atOnce, cancel, Accepted);
            Sent += events;
            Report.Progress(string.Create(CultureInfo.InvariantCulture, $"{events / took.TotalSeconds:F0}/s"));
            if (!counts) return;
            PerSecond.Add(events / took.TotalSeconds);
            _cpuMicroseconds.Add((target.Cpu - before).TotalMicroseconds / events);
        }

        public async Task TellAsync(Report report, string name, string meaning, CancellationToken cancel)
        {
            var stored = await target.StoredAsync(cancel);
            report.Require(stored == Sent, string.Create(CultureInfo.InvariantCulture, $"{Sent} were accepted by {name} and {stored} are stored"));
            report.Add($"{name}_per_s", new Distribution(PerSecond).Median, meaning, 0);
            report.Add($"{name}_cpu_us", _cpuMicroseconds.Average(), "processor time of the server for each", 1);
        }

        public ValueTask DisposeAsync() => target.DisposeAsync();
    }
}
