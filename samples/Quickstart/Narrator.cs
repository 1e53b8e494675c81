using Spectre.Console;

namespace Webhooks.Quickstart;

/// <summary>Tells what happens, with a bar for what takes a while.</summary>
internal static class Narrator
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>Into a pipe or a file go plain lines of a fixed width.</summary>
    public static void Prepare()
    {
        if (!Console.IsOutputRedirected) return;
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        AnsiConsole.Profile.Capabilities.Interactive = false;
        AnsiConsole.Profile.Width = 140;
    }

    public static void Title(string text) => AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(text)}[/]").LeftJustified());

    public static void Say(string text) => AnsiConsole.MarkupLineInterpolated($"  {text}");

    /// <summary>Waits until a count has reached a total; says what is missing when it does not.</summary>
    public static async Task CountAsync(string what, long total, Func<Task<long>> current, TimeSpan patience)
    {
        var until = DateTime.UtcNow + patience;
        await AnsiConsole.Progress().AutoClear(false).HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask($"  {Markup.Escape(what)}", maxValue: total);
                while (true)
                {
                    var now = await current();
                    bar.Value = now;
                    if (now >= total) return;
                    if (DateTime.UtcNow > until) throw new TimeoutException($"{what}: {now} of {total} after {patience.TotalSeconds:F0} s.");
                    await Task.Delay(Look);
                }
            });
        if (Console.IsOutputRedirected) Say($"{what}: {total} of {total}");
    }

    /// <summary>Waits until something is so.</summary>
    public static async Task<T> UntilAsync<T>(string what, Func<Task<T>> read, Func<T, bool> condition, TimeSpan patience)
    {
        var until = DateTime.UtcNow + patience;
        while (true)
        {
            var now = await read();
            if (condition(now)) return now;
            if (DateTime.UtcNow > until) throw new TimeoutException($"{what}: not within {patience.TotalSeconds:F0} s; last seen: {now}");
            await Task.Delay(Look);
        }
    }

    public static void Show(Ledger ledger)
    {
        Title("Ledger");
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "", "");
        foreach (var line in ledger.Lines())
            table.AddRow(line.Good ? "[green]✓[/]" : "[red]✗[/]", Markup.Escape(line.Name), Markup.Escape(line.Value));
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine(ledger.Balanced
            ? $"[green]The ledger balances[/] after {ledger.Seconds:F1} s."
            : $"[red]The ledger does not balance[/] after {ledger.Seconds:F1} s.");
    }
}
