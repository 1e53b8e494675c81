using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Spectre.Console;
using Webhooks.FailureDrills.AgainstReceiver;
using Webhooks.FailureDrills.Catalogue;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Mutations;
using Webhooks.FailureDrills.Reporting;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs.Admin;
using Webhooks.Testing;

namespace Webhooks.FailureDrills;

/// <summary>The command: its options, and what its exit codes mean.</summary>
internal static class DrillsCommand
{
    public const double LeastScale = 0.5, MostScale = 10;

    public const int AsExpected = 0, SomeFailed = 1, CannotRun = 2;

    private static readonly Argument<string[]> Names = new("drills") { Description = "The drills to run, by name; default: all.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string[]> Tag = new("--tag") { Description = "Only drills with this tag; may be given several times." };
    private static readonly Option<string[]> Driver = new("--driver")
    {
        Description = "Who plays the customer: wiremock, wiremock-net or scripted; may be given several times. Default: whatever this machine offers.",
    };
    private static readonly Option<Uri?> WireMock = Address("--wiremock", "A WireMock (Java) that is running, such as http://127.0.0.1:8080; default: one is started.");
    private static readonly Option<Uri?> WireMockNet =
        Address("--wiremock-net", "A WireMock.Net that is running with its admin interface on; default: one is started by a program that holds it.");
    private static readonly Option<double> Scale = Number("--scale", "By how much waits and time limits are stretched: 0.5 to 10.", 1d, LeastScale, MostScale);
    private static readonly Option<double> Patience = Number("--patience", "By how much the time budgets of drills alone are stretched: 1 to 100.", 1d, 1, 100);
    private static readonly Option<int> Parallel = Number("--parallel", "How many drills run side by side: 1 to 64.", 8, 1, 64);
    private static readonly Option<bool> List = new("--list") { Description = "Name the drills." };
    private static readonly Option<string?> Explain = new("--explain") { Description = "Tell what a drill does and what must be seen." };
    private static readonly Option<string[]> Mutate = new("--mutations")
    {
        Description = "Switch safeguards off in a copy of the source, one at a time, and see that drills fail; all of them, or those named.",
        Arity = ArgumentArity.ZeroOrMore, AllowMultipleArgumentsPerToken = true,
    };
    private static readonly Option<Uri?> TargetUrl = Address("--target", "Play the drills that need only a real receiver against this one, your own; asks first.");
    private static readonly Option<string?> Secret = new("--secret")
    {
        Description = "With --target: the receiver's newest secret, whsec_...; default: the environment variable WEBHOOKS_SECRET.",
    };
    private static readonly Option<string?> OldSecret = new("--old-secret") { Description = "With --target: another secret that the receiver accepts, as during a rotation." };
    private static readonly Option<string> Endpoint = new("--endpoint")
    {
        Description = "With --target: the endpoint id that it is configured with.", DefaultValueFactory = _ => "ep_drills",
    };
    private static readonly Option<long> FirstSeq = Number("--first-seq", "With --target: the number that its stream goes on with.", 1L, 1, 1_000_000_000_000_000L);
    private static readonly Option<double> Rate = Number("--rate", "With --target: the most requests in a second: 0.1 to 20.", 2d, 0.1, 20);
    private static readonly Option<bool> Yes = new("--yes") { Description = "With --target: send without asking." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print the outcome as one JSON object on the last line." };
    private static readonly Option<FileInfo?> JUnit = new("--junit") { Description = "Write the outcome to this file as JUnit XML." };
    private static readonly Option<FileInfo?> Markdown = new("--markdown") { Description = "Write the outcome to this file as Markdown, with what happened in each drill." };

    /// <param name="args">The command line.</param>
    /// <param name="wireMockNet">Starts a WireMock.Net; null in a program that holds none.</param>
    public static async Task<int> RunAsync(string[] args, IServerLauncher? wireMockNet = null)
    {
        var root = new RootCommand("Rehearses what happens when a customer's endpoint, the network, a secret or the platform misbehaves.\n"
            + "Exit codes: 0 all was seen as expected, 1 a drill failed, 2 it cannot run.")
        {
            Names, Tag, Driver, WireMock, WireMockNet, Scale, Patience, Parallel, List, Explain, Json, JUnit, Markdown, Mutate,
            TargetUrl, Secret, OldSecret, Endpoint, FirstSeq, Rate, Yes,
        };
        Names.Validators.Add(result => Known(result, AllDrills.All.Select(drill => drill.Name), "drill", "--list names the drills"));
        Explain.Validators.Add(result => Known(result, AllDrills.All.Select(drill => drill.Name), "drill", "--list names the drills"));
        Tag.Validators.Add(result => Known(result, AllDrills.All.SelectMany(drill => drill.Tags), "tag"));
        Mutate.Validators.Add(result => Known(result, AllMutations.All.Select(mutation => mutation.Name), "mutation"));
        Driver.Validators.Add(result => Known(result, Drivers.Names, "driver"));
        root.SetAction((parsed, cancel) => InvokeAsync(parsed, wireMockNet, cancel));
        var parsed = root.Parse(args);
        var exit = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
        return parsed.Errors.Count > 0 ? CannotRun : exit;
    }

    private static async Task<int> InvokeAsync(ParseResult parsed, IServerLauncher? wireMockNet, CancellationToken cancel)
    {
        var drills = Choose(parsed);
        if (parsed.GetValue(List))
        {
            foreach (var line in TextReport.List(drills)) Console.WriteLine(line);
            return AsExpected;
        }

        if (parsed.GetValue(Explain) is { } name)
        {
            Console.Write(TextReport.Explain(AllDrills.Find(name)!));
            return AsExpected;
        }

        if (drills.Count == 0)
        {
            await Console.Error.WriteLineAsync("No drill has one of these names and one of these tags as well.");
            return CannotRun;
        }

        if (parsed.GetValue(TargetUrl) is { } target) return await AgainstAsync(parsed, target, cancel);
        if (parsed.GetResult(Mutate) is not null) return await MutationsCommand.RunAsync(parsed.GetValue(Mutate) ?? [], cancel);
        try
        {
            // Said now, and not when the work is done.
            foreach (var file in new[] { parsed.GetValue(JUnit), parsed.GetValue(Markdown) })
                if (file is not null) await File.WriteAllTextAsync(file.FullName, "", cancel);
            return await RunAsync(parsed, drills, wireMockNet, cancel);
        }
        catch (Exception e) when (e is PostgresNotFoundException or PostgresStartException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return CannotRun;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Broken off.");
            return CannotRun;
        }
    }

    private static async Task<int> RunAsync(ParseResult parsed, IReadOnlyList<Drill> drills, IServerLauncher? wireMockNet, CancellationToken cancel)
    {
        // A server whose address is given is asked for by that: a run without it would prove nothing.
        string[] asked = parsed.GetValue(Driver) ?? [];
        var (java, net) = (parsed.GetValue(WireMock), parsed.GetValue(WireMockNet));
        bool IsWanted(string name) => asked.Contains(name) || (java is not null && name == Drivers.WireMock) || (net is not null && name == Drivers.WireMockNet);
        // Both take seconds to start.
        var starting = Databases.StartAsync(cancel);
        await using var drivers = await Drivers.BringAsync(asked, java, net, wireMockNet, cancel);
        await using var databases = await starting;
        if (drivers.Missing.Keys.FirstOrDefault(IsWanted) is { } missing)
        {
            await Console.Error.WriteLineAsync($"{missing} was asked for: {drivers.Missing[missing]}");
            return CannotRun;
        }

        var view = new LiveView(drills.Count * drivers.All.Count);
        var outcome = await view.ShowAsync(CatalogueRun.RunAsync(
            drills, drivers, databases, new Pace(parsed.GetValue(Scale), parsed.GetValue(Patience), parsed.GetValue(Parallel)), view.Began, view.Ended, cancel));
        if (!Console.IsOutputRedirected)
            foreach (var result in outcome.Results.Where(result => result.Verdict != Verdict.NotRun)) AnsiConsole.WriteLine(TextReport.Line(result));
        foreach (var result in outcome.Results.Where(result => result.Verdict == Verdict.Failed)) Console.Write($"\n{TextReport.Failure(result)}");
        foreach (var remark in outcome.Remarks) Console.WriteLine(remark);
        Console.WriteLine(TextReport.Sum(outcome));
        if (parsed.GetValue(JUnit) is { } junit) await File.WriteAllTextAsync(junit.FullName, JUnitReport.Of(outcome), CancellationToken.None);
        if (parsed.GetValue(Markdown) is { } markdown) await File.WriteAllTextAsync(markdown.FullName, MarkdownReport.Of(outcome), CancellationToken.None);
        if (parsed.GetValue(Json)) Console.WriteLine(JsonReport.Of(outcome));
        if (cancel.IsCancellationRequested) return CannotRun;
        return outcome.Count(Verdict.Failed) > 0 ? SomeFailed : outcome.AllAsExpected ? AsExpected : CannotRun;
    }

    private static async Task<int> AgainstAsync(ParseResult parsed, Uri target, CancellationToken cancel)
    {
        if (!TargetCommand.TryReadSecret(parsed.GetValue(Secret), Environment.GetEnvironmentVariable("WEBHOOKS_SECRET"), out var secret, out var problem)
            | !TargetCommand.TryReadSecret(parsed.GetValue(OldSecret), null, out var old, out var another) || secret is null)
        {
            await Console.Error.WriteLineAsync(problem ?? another ?? "Give the receiver's secret with --secret, or in WEBHOOKS_SECRET.");
            return CannotRun;
        }

        var settings = new TargetSettings(
            target, new TargetSecrets(secret, old), parsed.GetValue(Endpoint)!, parsed.GetValue(FirstSeq), parsed.GetValue(Rate), parsed.GetValue(Yes))
        {
            AsJson = parsed.GetValue(Json),
        };
        return await TargetCommand.RunAsync(settings, Console.ReadLine, Console.Out, cancel);
    }

    private static List<Drill> Choose(ParseResult parsed)
    {
        var (names, tags) = (parsed.GetValue(Names) ?? [], parsed.GetValue(Tag) ?? []);
        return [.. AllDrills.All.Where(drill => (names.Length == 0 || names.Contains(drill.Name)) && (tags.Length == 0 || drill.Tags.Any(tags.Contains)))];
    }

    private static void Known(SymbolResult result, IEnumerable<string> known, string what, string? hint = null)
    {
        foreach (var token in result.Tokens.Where(token => !known.Contains(token.Value)))
            result.AddError($"There is no {what} \"{token.Value}\"; {hint ?? $"there are {string.Join(", ", known.Distinct().Order())}"}.");
    }

    private static Option<Uri?> Address(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            if (Uri.TryCreate(result.Tokens.Single().Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
            result.AddError($"{name} must be an http or https address.");
            return null;
        },
    };

    private static Option<T> Number<T>(string name, string description, T value, T low, T high) where T : struct, INumber<T>
    {
        var option = new Option<T>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(T.TryParse(token.Value, CultureInfo.InvariantCulture, out var number) && number >= low && number <= high))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} must be {(value is double ? "" : "a whole number ")}from {low} to {high}."));
        });
        return option;
    }
}
