using System.Globalization;
using Webhooks.Bench.Measuring;
using Webhooks.Signing;

namespace Webhooks.Bench.Receiving;

/// <summary>The same requests at servers of several kinds, in turn.</summary>
internal sealed class IntakeRounds(Report report, WebhookSecret secret, int requests, int rounds, int atOnce)
{
    // Short rounds and many: what else the machine does then meets both kinds alike. Processor time is told in ticks of 10 ms, so of it the mean is taken.

    /// <summary>Rounds beforehand, for the runtime, which compiles anew what it sees is used, for the pools and for the caches.</summary>
    public const int WarmUp = 16;

    /// <summary>Two kinds in turn, and the second as a part of the first.</summary>
    public async Task CompareAsync(string key, string target, TargetSettings baseline, TargetSettings receiver, CancellationToken cancel)
    {
        await using var one = await TargetProcess.StartAsync(baseline, cancel);
        await using var other = await TargetProcess.StartAsync(receiver, cancel);
        var (ones, others) = (new Series(baseline.Kind, one), new Series(receiver.Kind, other));
        for (var round = -WarmUp; round < rounds; round++)
        {
            await RoundAsync(ones, round, cancel);
            await RoundAsync(others, round, cancel);
        }

        await TellAsync(ones, cancel);
        await TellAsync(others, cancel);
        report.Add(key, new Distribution(others.PerSecond.Zip(ones.PerSecond, (mine, theirs) => mine / theirs)).Median, $"median over pairs of rounds; {target}");
    }

    public async Task MeasureAsync(TargetSettings settings, CancellationToken cancel)
    {
        await using var target = await TargetProcess.StartAsync(settings, cancel);
        var series = new Series(settings.Kind, target);
        for (var round = -WarmUp; round < rounds; round++) await RoundAsync(series, round, cancel);
        await TellAsync(series, cancel);
    }

    private async Task RoundAsync(Series series, int round, CancellationToken cancel)
    {
        var prepared = RequestLoad.Prepare(series.Target.Hooks, secret, series.Sent + 1, requests);
        var (before, own) = (series.Target.Cpu, Environment.CpuUsage.TotalTime);
        var took = await RequestLoad.SendAsync(series.Target.Hooks, prepared, atOnce, cancel);
        series.Sent += requests;
        Report.Progress(string.Create(CultureInfo.InvariantCulture, $"{series.Kind}: {requests / took.TotalSeconds:F0}/s"));
        if (round < 0) return;
        series.PerSecond.Add(requests / took.TotalSeconds);
        series.CpuMicroseconds.Add((series.Target.Cpu - before).TotalMicroseconds / requests);
        series.ClientMicroseconds.Add((Environment.CpuUsage.TotalTime - own).TotalMicroseconds / requests);
    }

    private async Task TellAsync(Series series, CancellationToken cancel)
    {
        var name = series.Kind switch { TargetKind.PostgreSql => "pg", var kind => kind.ToString().ToLowerInvariant() };
        if (series.Kind != TargetKind.Null)
        {
            var taken = (await series.Target.CountsAsync(cancel)).Taken;
            report.Require(taken == series.Sent, string.Create(CultureInfo.InvariantCulture, $"{series.Sent} were sent to {series.Kind} and {taken} taken"));
        }

        report.Add($"intake_{name}_per_s", new Distribution(series.PerSecond).Median, $"requests of about 1 KB, {atOnce} at once", 0);
        report.Add($"intake_{name}_cpu_us", series.CpuMicroseconds.Average(), "processor time of the server for each", 1);
        report.Add($"intake_{name}_client_cpu_us", series.ClientMicroseconds.Average(), "processor time of the client for each", 1);
    }

    private sealed class Series(TargetKind kind, TargetProcess target)
    {
        public TargetKind Kind => kind;

        public TargetProcess Target => target;

        public List<double> PerSecond { get; } = [];

        public List<double> CpuMicroseconds { get; } = [];

        public List<double> ClientMicroseconds { get; } = [];

        public long Sent { get; set; }
    }
}
