using System.CommandLine;
using Webhooks.Quickstart;
using Webhooks.Testing;

var events = new Option<FileInfo?>("--events") { Description = "Publish the lines of this NDJSON file, each {\"type\":…,\"data\":…}, instead of made-up orders." };
var count = new Option<int>("--count") { Description = "How many orders are made up; at least 25.", DefaultValueFactory = _ => 1000 };
count.Validators.Add(result =>
{
    if (!int.TryParse(result.Tokens.SingleOrDefault()?.Value ?? "1000", out var given) || given is < 25 or > 1_000_000)
        result.AddError("--count must be a whole number from 25 to 1000000.");
});
var received = new Option<FileInfo?>("--received") { Description = "Write what the customer's handler was given to this file, as NDJSON, in order." };
var json = new Option<bool>("--json") { Description = "Print the ledger as one JSON object on the last line." };
var demo = new RootCommand("Shows the main job of Webhooks, end to end. Exit code 0 only when the ledger balances.") { events, count, received, json };
demo.SetAction(async (arguments, _) =>
{
    Narrator.Prepare();
    try
    {
        // Said now, and not when the work is done.
        if (arguments.GetValue(received) is { } output) File.Create(output.FullName).Dispose();
        Ledger ledger;
        await using (var running = new Demo())
            ledger = await running.RunAsync(arguments.GetValue(events)?.ToString(), arguments.GetValue(count), arguments.GetValue(received)?.ToString());
        Narrator.Show(ledger);
        if (arguments.GetValue(json)) Console.WriteLine(ledger.ToJson());
        return ledger.Balanced ? 0 : 1;
    }
    catch (BadEventsException exception)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 2;
    }
    catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
    {
        await Console.Error.WriteLineAsync($"--received: {exception.Message}");
        return 2;
    }
    catch (PostgresNotFoundException exception)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 3;
    }
    catch (TimeoutException exception)
    {
        await Console.Error.WriteLineAsync($"The demonstration did not come to its end. {exception.Message}");
        return 1;
    }
});

demo.Subcommands.Add(Roles.Dispatcher());
demo.Subcommands.Add(Roles.Receiver());
var parsed = demo.Parse(args);
var exit = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? 2 : exit;
