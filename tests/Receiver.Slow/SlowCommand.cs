using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Slow;

/// <summary>The command: its options, and what its exit codes mean.</summary>
internal static class SlowCommand
{
    private const int AllKept = 0, SomeBroken = 1, WrongUsage = 2;
    private const int Warm = 300, Large = 10, LargeBytes = 1_000_000, LargeEvery = 10;
    private const double MaxSlowest = 5_000;

    /// <summary>What may be in use beside what a connection costs: the bodies' budget (the option's default) twice, for pools give nothing back at once.</summary>
    private const double FreeMegabytes = 128;

    /// <summary>What a slow sender may cost: its connection in the server, and as much of a body as is never refused.</summary>
    private const double KilobytesPerSender = 48;

    private static readonly TimeSpan Most = TimeSpan.FromMinutes(5);

    private static readonly Option<int> Senders = new("--senders") { Description = "How many slow senders; each takes a file handle of the receiver.", DefaultValueFactory = _ => 10_000 };
    private static readonly Option<int> Deliveries = new("--healthy") { Description = "How many healthy deliveries meanwhile.", DefaultValueFactory = _ => 1_000 };
    private static readonly Option<bool> Json = new("--json") { Description = "Print the outcome as one JSON object on the last line." };

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Holds a receiver up with senders that state a mebibyte and then take their time, and delivers healthily meanwhile: its memory stays bounded, and\n"
            + "every healthy delivery is taken within seconds. Nothing cuts the slow ones off here; an application has two limits that do.\n"
            + "Exit codes: 0 all of that held, 1 something did not, 2 wrong usage.")
        {
            Senders, Deliveries, Json,
        };
        foreach (var option in new[] { Senders, Deliveries })
            option.Validators.Add(result =>
            {
                // What is no number at all has its own message already; to ask for its value throws.
                if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var count) && count < 1)
                    result.AddError($"{option.Name} is at least 1.");
            });
        root.SetAction(InvokeAsync);
        var parsed = root.Parse(args);
        var exit = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? WrongUsage : exit;
    }

    private static async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Most);
        var folder = Directory.CreateTempSubdirectory("webhooks-slow-");
        try
        {
            var figures = await MeasureAsync(folder.FullName, parsed.GetValue(Senders), parsed.GetValue(Deliveries), limit.Token);
            if (parsed.GetValue(Json)) Console.Out.WriteLine(JsonSerializer.Serialize(figures));
            else foreach (var (name, value) in figures) Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28} {value}"));
            return figures["broken"] is 0 ? AllKept : SomeBroken;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Dictionary<string, object>> MeasureAsync(string folder, int senders, int deliveries, CancellationToken cancel)
    {
        var program = Assembly.GetExecutingAssembly().Location;
        var secret = WebhookSecret.Generate();
        var (address, counted) = ("", "");
        using var receiver = await ChildProcess.StartAsync(program, [ReceiverProgram.Name, folder, secret.Reveal()], line =>
        {
            if (line.StartsWith(ChildProcess.Ready, StringComparison.Ordinal)) address = line[(ChildProcess.Ready.Length + 1)..];
        });
        var url = new Uri(address);
        await using var sender = TestSender.To(new Uri(url, ReceiverProgram.Path), secret);
        await Healthy.DeliverAsync(sender, Warm, 1000, cancel);
        var alone = await Healthy.DeliverAsync(sender, Warm, 1000, cancel);
        var before = Resident(receiver.Id);
        Console.Error.WriteLine($"{senders} slow senders begin ...");

        var watch = Stopwatch.StartNew();
        using var slow = await ChildProcess.StartAsync(program, [SendersProgram.Name, .. new SendersPlan(url.Port, senders, LargeEvery).Arguments], line =>
        {
            if (line.StartsWith("counted ", StringComparison.Ordinal)) counted = line;
        });
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"they are there after {watch.Elapsed.TotalSeconds:0.0} s; {deliveries} healthy deliveries ..."));
        var meanwhile = await Healthy.DeliverAsync(sender, deliveries, 1000, cancel);
        var large = await Healthy.DeliverAsync(sender, Large, LargeBytes, cancel);
        var most = Math.Max(Peak(receiver.Id), Resident(receiver.Id));
        await slow.TellAsync("stop");
        if (await slow.WaitAsync(cancel) != 0 || counted.Split(' ') is not [_, var held, var refused, var other])
            throw new InvalidOperationException("The slow senders ended before they were told to.");

        var afterwards = await Healthy.DeliverAsync(sender, Large, LargeBytes, cancel);
        var bound = FreeMegabytes + (senders * KilobytesPerSender / 1024);
        string[] broken =
        [
            .. meanwhile.AllTaken ? Array.Empty<string>() : ["a healthy delivery was not taken"],
            .. meanwhile.Slowest <= MaxSlowest ? Array.Empty<string>() : ["a healthy delivery took too long"],
            .. most - before <= bound ? Array.Empty<string>() : ["memory grew beyond the bound"],
            .. large.Answers.Keys.All(status => status is 204 or 503) ? Array.Empty<string>() : ["a large delivery was neither taken nor told to come again"],
            .. afterwards.AllTaken ? Array.Empty<string>() : ["a large delivery was not taken when the slow senders were gone"],
            .. int.Parse(held, CultureInfo.InvariantCulture) >= senders - (senders / LargeEvery) - 1 ? Array.Empty<string>() : ["small slow senders were sent away"],
        ];
        foreach (var one in broken) Console.Error.WriteLine("BROKEN: " + one);
        return new Dictionary<string, object>
        {
            ["broken"] = broken.Length,
            ["senders"] = senders,
            ["held"] = int.Parse(held, CultureInfo.InvariantCulture),
            ["sent_away_503"] = int.Parse(refused, CultureInfo.InvariantCulture),
            ["ended_otherwise"] = int.Parse(other, CultureInfo.InvariantCulture),
            ["rss_before_mb"] = Math.Round(before),
            ["rss_most_mb"] = Math.Round(most),
            ["rss_growth_mb"] = Math.Round(most - before),
            ["rss_growth_bound_mb"] = Math.Round(bound),
            ["kb_per_sender"] = Math.Round((most - before) * 1024 / senders, 1),
            ["healthy"] = deliveries,
            ["healthy_median_ms"] = Math.Round(meanwhile.Median, 1),
            ["healthy_slowest_ms"] = Math.Round(meanwhile.Slowest, 1),
            ["alone_median_ms"] = Math.Round(alone.Median, 1),
            ["alone_slowest_ms"] = Math.Round(alone.Slowest, 1),
            ["large_taken"] = large.Answers.GetValueOrDefault(204),
            ["large_told_to_come_again"] = large.Answers.GetValueOrDefault(503),
            ["large_taken_afterwards"] = afterwards.Answers.GetValueOrDefault(204),
            ["problems"] = string.Join("; ", broken),
        };
    }

    private static double Resident(int id)
    {
        using var process = Process.GetProcessById(id);
        return process.WorkingSet64 / 1024.0 / 1024;
    }

    private static double Peak(int id)
    {
        using var process = Process.GetProcessById(id);
        return process.PeakWorkingSet64 / 1024.0 / 1024;
    }
}
