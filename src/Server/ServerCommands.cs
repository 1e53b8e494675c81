using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using Webhooks.Dispatcher;

namespace Webhooks.Server;

/// <summary>The command line.</summary>
internal static class ServerCommands
{
    private static readonly Option<string?> Connection = new("--connection") { Description = "Npgsql connection string of the database (Webhooks:ConnectionString)." };
    private static readonly Option<string?> MasterKey = new("--master-key")
    {
        Description = "Base64 of 32 bytes (Webhooks:MasterKey). Other users of the machine see command lines: prefer the environment or a file.",
    };
    private static readonly Option<FileInfo?> Config = new("--config") { Description = "A JSON file of settings, above appsettings.json and below the environment." };
    private static readonly Option<string[]> Set = new("--set")
    {
        Description = "Any setting, as KEY=VALUE, such as Webhooks:Sending:Timeout=00:00:10; may be given several times.", Validators = { ArePairs },
    };
    private static readonly Option<string?> Urls = new("--urls") { Description = "Where it listens, separated by semicolons; default http://127.0.0.1:8080." };
    private static readonly Option<string> Name = new("--name") { Description = "For people; 1 to 200 characters.", Required = true };
    private static readonly Option<string[]> Scopes = new("--scope") { Description = "What it may do, such as events:write; may be given several times. Default: everything." };
    private static readonly Option<string?> Application = new("--application") { Description = "The one application that it may see (app_…). Default: all.", Validators = { IsApplication } };
    private static readonly Option<string?> Endpoint = new("--endpoint") { Description = "The one endpoint that it may see (ep_…), beside --application.", Validators = { IsEndpoint } };
    private static readonly Option<string?> Expires = new("--expires") { Description = "When it ends: a date or time, UTC unless it says otherwise. Default: never.", Validators = { IsTime } };
    private static readonly Option<int?> PerMinute = new("--requests-per-minute") { Description = "How often it may ask in a minute, 1 to 10,000,000. Default: 600." };

    public static async Task<int> RunAsync(string[] args)
    {
        foreach (var option in new Option[] { Connection, MasterKey, Config, Set }) option.Recursive = true;
        var run = new Command("run", "Serves the API and delivers, until it is told to stop. The default.") { Urls };
        var migrate = new Command("migrate", "Brings the schema up to date, and ends.");
        var createKey = new Command("create-key", "Makes an API key and prints it, once.") { Name, Scopes, Application, Endpoint, Expires, PerMinute };
        var version = new Command("version", "Prints the version.");
        var root = new RootCommand("Webhooks: the dispatcher and its management API as a process of its own.")
        {
            Connection, MasterKey, Config, Set, Urls, run, migrate, createKey, version,
        };
        root.SetAction((parsed, _) => ServerProcess.RunAsync(Given(parsed)));
        run.SetAction((parsed, _) => ServerProcess.RunAsync(Given(parsed)));
        migrate.SetAction((parsed, cancel) => Chore.MigrateAsync(Given(parsed), cancel));
        createKey.SetAction((parsed, cancel) => Chore.CreateKeyAsync(Given(parsed), KeySettings(parsed), cancel));
        version.SetAction(_ => Console.WriteLine(
            typeof(ServerCommands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]));

        var parsed = root.Parse(args);
        try
        {
            // The host itself heeds signals, and takes its time to stop.
            var isHost = parsed.CommandResult.Command == root || parsed.CommandResult.Command == run;
            var exit = await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = isHost ? null : TimeSpan.FromSeconds(5),
            });
            return parsed.Errors.Count > 0 ? StartFailure.BadSettings : exit;
        }
        catch (Exception exception) when (StartFailure.Of(exception) is { } failure)
        {
            foreach (var line in failure.Lines) await Console.Error.WriteLineAsync($"webhooks-server: {line.ReplaceLineEndings(" ")}");
            return failure.ExitCode;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"webhooks-server: {exception}");
            return StartFailure.Trouble;
        }
    }

    private static GivenSettings Given(ParseResult parsed)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in parsed.GetValue(Set) ?? []) values[pair[..pair.IndexOf('=', StringComparison.Ordinal)]] = pair[(pair.IndexOf('=', StringComparison.Ordinal) + 1)..];
        Add(Connection, $"{ServerSettings.Section}:{nameof(WebhookDispatcherOptions.ConnectionString)}");
        Add(MasterKey, $"{ServerSettings.Section}:{nameof(WebhookDispatcherOptions.MasterKey)}");
        Add(Urls, WebHostDefaults.ServerUrlsKey);
        return new GivenSettings(parsed.GetValue(Config)?.FullName, values);

        void Add(Option<string?> option, string key)
        {
            if (parsed.GetValue(option) is { } value) values[key] = value;
        }
    }

    private static ApiKeySettings KeySettings(ParseResult parsed)
    {
        var settings = new ApiKeySettings(parsed.GetRequiredValue(Name))
        {
            Application = WebhookApplicationId.TryParse(parsed.GetValue(Application), out var application) ? application : null,
            Endpoint = WebhookEndpointId.TryParse(parsed.GetValue(Endpoint), out var endpoint) ? endpoint : null,
            ExpiresAt = TryTime(parsed.GetValue(Expires), out var expires) ? expires : null,
            RequestsPerMinute = parsed.GetValue(PerMinute),
        };
        return parsed.GetValue(Scopes) is { Length: > 0 } scopes ? settings with { Scopes = scopes } : settings;
    }

    private static bool TryTime(string? text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    private static void ArePairs(OptionResult result)
    {
        // What stands there is not repeated: it may be a secret.
        if (result.Tokens.Any(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1)) result.AddError("--set takes KEY=VALUE.");
    }

    private static void IsApplication(OptionResult result)
    {
        if (!WebhookApplicationId.TryParse(result.Tokens.SingleOrDefault()?.Value, out _)) result.AddError("--application takes an application's id, app_ and 32 hex digits.");
    }

    private static void IsEndpoint(OptionResult result)
    {
        if (!WebhookEndpointId.TryParse(result.Tokens.SingleOrDefault()?.Value, out _)) result.AddError("--endpoint takes an endpoint's id, ep_ and 32 hex digits.");
    }

    private static void IsTime(OptionResult result)
    {
        if (!TryTime(result.Tokens.SingleOrDefault()?.Value, out _)) result.AddError("--expires takes a date or time, such as 2027-01-31 or 2027-01-31T12:00:00Z.");
    }
}
