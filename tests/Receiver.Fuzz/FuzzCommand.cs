using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Webhooks.Fuzz;

/// <summary>The command: its options, and what its exit codes mean.</summary>
internal static class FuzzCommand
{
    public const int AllKept = 0, SomeBroken = 1, WrongUsage = 2;
    private const int RoundInputs = 20_000;

    /// <summary>How much more memory may be in use after a round than after the second, when everything has been called once.</summary>
    private const long MemoryGrowth = 32 * 1024 * 1024;

    private static readonly Option<long> Inputs = new("--inputs") { Description = "How many requests.", DefaultValueFactory = _ => 1_000_000 };
    private static readonly Option<int?> Seed = new("--seed") { Description = "What the requests are made from; the same seed makes the same. Default: another one each time." };
    private static readonly Option<int?> Round = new("--round") { Description = $"Only this round, of {RoundInputs} requests; from 0." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print the outcome as one JSON object on the last line." };

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Sends random and spoilt requests, as Standard Webhooks, GitHub, Stripe, Slack and Shopify, through the receiver in this process: an exception is\n"
            + "handled, the answer is never 5xx, what no live secret signed is never taken, what is valid always is, and memory stays bounded.\n"
            + "Exit codes: 0 all of that held, 1 something did not, 2 wrong usage.")
        {
            Inputs, Seed, Round, Json,
        };
        Inputs.Validators.Add(result =>
        {
            // What is no number at all has its own message already; to ask for its value throws.
            if (result.Tokens is [var token] && long.TryParse(token.Value, CultureInfo.InvariantCulture, out var inputs) && inputs < 1)
                result.AddError("--inputs is at least 1.");
        });
        root.SetAction(InvokeAsync);
        var parsed = root.Parse(args);
        var exit = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? WrongUsage : exit;
    }

    private static async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var (inputs, seed, tally, watch) = (parsed.GetValue(Inputs), parsed.GetValue(Seed) ?? Environment.TickCount, new FuzzTally(), Stopwatch.StartNew());
        var only = parsed.GetValue(Round);
        if (only is not null) inputs = Math.Min(inputs, RoundInputs);
        var (memory, second, most) = (new List<long>(), 0L, 0L);
        Console.Error.WriteLine($"seed {seed}");
        for (var round = only ?? 0; tally.Inputs < inputs && !cancel.IsCancellationRequested; round++)
        {
            await new FuzzRound(seed, round).RunAsync((int)Math.Min(RoundInputs, inputs - tally.Inputs), tally, cancel);
            memory.Add(GC.GetTotalMemory(forceFullCollection: true));
            if (memory.Count == 2) second = memory[1];
            if (memory.Count > 2) most = Math.Max(most, memory[^1] - second);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{tally.Inputs} of {inputs}: {tally.Taken} taken, {tally.BrokenCount} broken, {tally.Inputs / watch.Elapsed.TotalSeconds:0} a second, {memory[^1] / 1024 / 1024} MiB in use"));
        }

        if (most > MemoryGrowth) tally.Broken($"{most / 1024 / 1024} MiB more memory is in use than after the second round");
        foreach (var broken in tally.BrokenShown) Console.Error.WriteLine("BROKEN: " + broken);
        var seconds = watch.Elapsed.TotalSeconds;
        if (parsed.GetValue(Json)) Console.Out.WriteLine(ToJson(tally, seed, seconds, most));
        else Print(tally, seed, seconds, most);
        return tally.BrokenCount == 0 && !cancel.IsCancellationRequested ? AllKept : SomeBroken;
    }

    private static void Print(FuzzTally tally, int seed, double seconds, long growth)
    {
        foreach (var sender in tally.Answers.GroupBy(one => (one.Key.Sender, one.Key.Kind)).OrderBy(one => one.Key))
        {
            var answers = sender.OrderBy(one => one.Key.Status).Select(one => $"{one.Key.Status}: {one.Value}");
            Console.Out.WriteLine($"{sender.Key.Sender,-10} {sender.Key.Kind.ToString().ToLowerInvariant(),-10} {string.Join(", ", answers)}");
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{tally.Inputs} inputs of seed {seed} in {seconds:0.0} s, {tally.Inputs / seconds:0} a second; {tally.Taken} taken; memory grew by {growth / 1024.0 / 1024:0.0} MiB; {tally.BrokenCount} broken"));
    }

    private static string ToJson(FuzzTally tally, int seed, double seconds, long growth) => JsonSerializer.Serialize(new
    {
        broken = tally.BrokenCount,
        inputs = tally.Inputs,
        seed,
        seconds = Math.Round(seconds, 1),
        inputs_per_s = Math.Round(tally.Inputs / seconds),
        taken = tally.Taken,
        memory_growth_mb = Math.Round(growth / 1024.0 / 1024, 1),
        answers = tally.Answers.GroupBy(one => one.Key.Status).OrderBy(one => one.Key)
            .ToDictionary(one => one.Key.ToString(CultureInfo.InvariantCulture), one => one.Sum(pair => pair.Value)),
        problems = tally.BrokenShown,
    });
}
