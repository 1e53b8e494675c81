using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Planning;
using Webhooks.Chaos.Running;
using Webhooks.Testing;

namespace Webhooks.Chaos;

/// <summary>The command, and the processes that it starts.</summary>
internal static class ChaosCommand
{
    /// <param name="args">Of the program.</param>
    /// <param name="host">What delivers in its dispatcher processes.</param>
    public static async Task<int> RunAsync(string[] args, DispatcherHost host)
    {
        if (args is [RoleHost.Argument, var role, var path]) return await RoleHost.RunAsync(Enum.Parse<Role>(role), RoleSettings.Read(path), host);

        var minutes = new Option<double>("--minutes") { Description = "How long faults go on: 0.1 to 1440.", DefaultValueFactory = _ => 1 };
        var dispatchers = new Option<int>("--dispatchers") { Description = "How many dispatcher processes: 1 to 16.", DefaultValueFactory = _ => 3 };
        var receivers = new Option<int>("--receivers") { Description = "How many receiver processes: 1 to 16.", DefaultValueFactory = _ => 2 };
        var seed = new Option<int?>("--seed") { Description = "Repeats the plan of the run that named it." };
        var json = new Option<bool>("--json") { Description = "Print the summary as one JSON object on the last line." };
        minutes.Validators.Add(result => Check(result, result.Tokens is not [var token] || double.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && value is >= 0.1 and <= 1440, "from 0.1 to 1440"));
        foreach (var many in new[] { dispatchers, receivers })
            many.Validators.Add(result => Check(result, result.Tokens is not [var token] || int.TryParse(token.Value, out var value) && value is >= 1 and <= 16, "a whole number from 1 to 16"));
        var command = new RootCommand("Kills, suspends and cuts off dispatchers, receivers, publishers and their database, and then compares what was published with what took effect. Exit code 0 only when it is the same. With --host hangfire, given to ./eng/chaos, the dispatchers are Hangfire servers.")
        {
            minutes, dispatchers, receivers, seed, json,
        };
        command.SetAction(async (arguments, cancel) =>
        {
            var settings = new ChaosSettings(
                TimeSpan.FromMinutes(arguments.GetValue(minutes)), arguments.GetValue(dispatchers), arguments.GetValue(receivers),
                arguments.GetValue(seed) ?? Random.Shared.Next()) { Host = host };
            try
            {
                var outcome = await ChaosRun.RunAsync(settings, Console.WriteLine, cancel);
                Console.WriteLine(outcome.Report);
                Console.WriteLine(outcome.Summary.Balanced ? "The ledger balances." : $"The ledger does not balance. Again: {settings.Command}");
                if (arguments.GetValue(json)) Console.WriteLine(outcome.Summary.ToJson());
                return outcome.Summary.Balanced ? 0 : 1;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync("Broken off; nothing was judged.");
                return 3;
            }
            catch (Exception exception)
            {
                await Console.Error.WriteLineAsync($"It could not run ({settings.Command}): {(exception is PostgresNotFoundException ? exception.Message : exception)}");
                return 3;
            }
        });

        var parsed = command.Parse(args);
        // Time to stop what was started, when somebody interrupts.
        var exit = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
        return parsed.Errors.Count > 0 ? 2 : exit;
    }

    private static void Check(OptionResult result, bool good, string range)
    {
        if (!good) result.AddError($"{result.Option.Name} must be {range}.");
    }
}
