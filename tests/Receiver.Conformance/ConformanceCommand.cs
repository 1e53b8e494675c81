using System.CommandLine;
using System.CommandLine.Parsing;
using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Reporting;
using Webhooks.Conformance.Running;
using Webhooks.Signing;

namespace Webhooks.Conformance;

/// <summary>The command: its options, and what its exit codes mean.</summary>
internal static class ConformanceCommand
{
    public const int AllPassed = 0, SomeFailed = 1, WrongUsage = 2, NothingJudged = 3;

    private static readonly Option<Uri[]> Url = new("--url")
    {
        Description = "Where deliveries go. Given twice, the second is another node on the same store.", CustomParser = Addresses,
    };
    private static readonly Option<WebhookSecret?> Secret = Key("--secret", "The receiver's newest live secret, whsec_…; default: the environment variable WEBHOOKS_SECRET.");
    private static readonly Option<WebhookSecret?> OldSecret = Key("--old-secret", "Another secret that the receiver accepts, as during a rotation.");
    private static readonly Option<WebhookSecret?> ExpiredSecret = Key("--expired-secret", "A secret that the receiver knows and whose time is over.");
    private static readonly Option<string> Endpoint = new("--endpoint") { Description = "The endpoint id that the receiver is configured with.", DefaultValueFactory = _ => SuiteSettings.DefaultEndpoint };
    private static readonly Option<Uri?> Feed = new("--feed")
    {
        Description = "Where the suite serves its feed; the receiver is configured with it, such as http://127.0.0.1:5099.", CustomParser = One,
    };
    private static readonly Option<Uri?> Observer = new("--observer")
    {
        Description = "GET gives what was handled: {\"handled\":[{\"id\":\"…\",\"seq\":1},…]}, each effect once, in order.", CustomParser = One,
    };
    private static readonly Option<string?> Restart = new("--restart") { Description = "A shell command that kills the receiver and starts it again." };
    private static readonly Option<FileInfo?> Log = new("--log") { Description = "The file that the receiver logs to." };
    private static readonly Option<long?> FirstSeq = new("--first-seq")
    {
        Description = "The number to begin with, 1 or more; default: what follows on the highest that the observer shows, or 1.",
    };
    private static readonly Option<double> Tolerance = Seconds("--tolerance", "How far the receiver lets a timestamp lie from now, in seconds.", 300);
    private const int LeastBody = 4096;
    private static readonly Option<int> MaxBody = new("--max-body") { Description = "The largest body that the receiver takes, in bytes.", DefaultValueFactory = _ => 1024 * 1024 };
    private static readonly Option<double> Patience = Seconds("--patience", "How long what must come is waited for, in seconds.", 30);
    private static readonly Option<double> SlowBody = Seconds("--slow-body", "How long a body may stand still before the receiver gives it up, in seconds.", 30);
    private static readonly Option<bool> Unordered = new("--unordered") { Description = "The receiver does not look at numbers: cases about order and gaps are skipped." };
    private static readonly Option<string[]> Case = new("--case") { Description = "Only this case; may be given several times." };
    private static readonly Option<bool> List = new("--list") { Description = "Name all cases." };
    private static readonly Option<string?> Explain = new("--explain") { Description = "Say what a case checks, and why." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print the outcome as one JSON object on the last line." };
    private static readonly Option<FileInfo?> JUnit = new("--junit") { Description = "Write the outcome to this file, as JUnit XML." };

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Checks a webhook receiver from outside, over real connections, against the catalogue of what receivers get wrong.\n"
            + "Exit codes: 0 all that could be judged passed, 1 a case failed, 2 wrong usage, 3 the receiver or what is around it cannot be reached.")
        {
            Url, Secret, OldSecret, ExpiredSecret, Endpoint, Feed, Observer, Restart, Log, FirstSeq, Tolerance, MaxBody, Patience, SlowBody, Unordered,
            Case, List, Explain, Json, JUnit,
        };
        Case.Validators.Add(result => Known(result));
        Explain.Validators.Add(result => Known(result));
        FirstSeq.Validators.Add(result =>
        {
            // What is no number at all has its own message already.
            if (result.Tokens is [var token] 
                && long.TryParse(token.Value, System.Globalization.CultureInfo.InvariantCulture, out var first) && first < 1)
                result.AddError("--first-seq must be 1 or more.");
        });
        // Below this the catalogue's own events would not fit.
        MaxBody.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, System.Globalization.CultureInfo.InvariantCulture, out var bytes) && bytes < LeastBody)
                result.AddError($"--max-body must be {LeastBody} or more.");
        });
        root.SetAction(InvokeAsync);
        var parsed = root.Parse(args);
        var exit = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? WrongUsage : exit;
    }

    private static async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        TextReport.Prepare();
        if (parsed.GetValue(List))
        {
            TextReport.List(Catalogue.All);
            return AllPassed;
        }

        if (parsed.GetValue(Explain) is { } name)
        {
            TextReport.Explain(Catalogue.Find(name)!);
            return AllPassed;
        }

        if (Read(parsed, out var wrong) is not { } settings)
        {
            await Console.Error.WriteLineAsync(wrong);
            return WrongUsage;
        }

        var cases = parsed.GetValue(Case) is { Length: > 0 } names ? names.Distinct().Select(one => Catalogue.Find(one)!).ToList() : Catalogue.All;
        try
        {
            // Said now, and not when the work is done.
            if (parsed.GetValue(JUnit) is { } junit) await File.WriteAllTextAsync(junit.FullName, "", cancel);
            var outcome = await SuiteRun.RunAsync(settings, cases, TextReport.Tell, cancel);
            TextReport.Sum(outcome);
            if (parsed.GetValue(JUnit) is { } file) JUnitReport.Save(outcome, file.FullName);
            if (parsed.GetValue(Json)) Console.WriteLine(JsonReport.Of(outcome));
            return outcome.Failed > 0 ? SomeFailed : outcome.Passed > 0 ? AllPassed : NothingJudged;
        }
        catch (EnvironmentTroubleException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return NothingJudged;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"--junit: {e.Message}");
            return WrongUsage;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Broken off.");
            return NothingJudged;
        }
    }

    private static SuiteSettings? Read(ParseResult parsed, out string? wrong)
    {
        var nodes = parsed.GetValue(Url) ?? [];
        var secret = parsed.GetValue(Secret);
        wrong = null;
        if (secret is null && Environment.GetEnvironmentVariable("WEBHOOKS_SECRET") is { Length: > 0 } text && !WebhookSecret.TryParse(text, out secret, out wrong))
        {
            wrong = $"WEBHOOKS_SECRET: {wrong}";
            return null;
        }

        wrong = nodes.Length == 0 ? "Give the receiver's address with --url; --help says more." : secret is null ? "Give the receiver's secret with --secret, or in WEBHOOKS_SECRET." : null;
        return wrong is not null ? null : new SuiteSettings
        {
            Nodes = nodes,
            Secret = secret!,
            OldSecret = parsed.GetValue(OldSecret),
            ExpiredSecret = parsed.GetValue(ExpiredSecret),
            Endpoint = parsed.GetValue(Endpoint)!,
            Feed = parsed.GetValue(Feed),
            Observer = parsed.GetValue(Observer),
            Restart = parsed.GetValue(Restart) is { } restart ? new RestartCommand(restart).RunAsync : null,
            Log = parsed.GetValue(Log)?.FullName,
            FirstSeq = parsed.GetValue(FirstSeq),
            Tolerance = TimeSpan.FromSeconds(parsed.GetValue(Tolerance)),
            MaxBody = parsed.GetValue(MaxBody),
            Patience = TimeSpan.FromSeconds(parsed.GetValue(Patience)),
            SlowBody = TimeSpan.FromSeconds(parsed.GetValue(SlowBody)),
            IsUnordered = parsed.GetValue(Unordered),
        };
    }

    private static void Known(SymbolResult result)
    {
        foreach (var token in result.Tokens.Where(token => Catalogue.Find(token.Value) is null)) result.AddError($"There is no case \"{token.Value}\"; --list names them.");
    }

    private static Option<WebhookSecret?> Key(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            // The value is never shown: what looks like no secret may be one with a slip.
            if (WebhookSecret.TryParse(result.Tokens.Single().Value, out var secret, out var error)) return secret;
            result.AddError($"{name}: {error}");
            return null;
        },
    };

    private static Option<double> Seconds(string name, string description, double value)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(double.TryParse(token.Value, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0.1 and <= 3600))
                result.AddError($"{name} must be from 0.1 to 3600.");
        });
        return option;
    }

    private static Uri[] Addresses(ArgumentResult result) => [.. result.Tokens.Select(token => Parse(result, token.Value)).OfType<Uri>()];

    private static Uri? One(ArgumentResult result) => Parse(result, result.Tokens.Single().Value);

    private static Uri? Parse(ArgumentResult result, string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
        result.AddError($"\"{text}\" is no http or https address.");
        return null;
    }
}
