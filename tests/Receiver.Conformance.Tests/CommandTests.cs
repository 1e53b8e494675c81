using System.Text.Json;
using System.Xml.Linq;
using Webhooks.Conformance.Tests.Flawed;

namespace Webhooks.Conformance.Tests;

/// <summary>The command's exit codes and reports: build servers act on them.</summary>
[Collection(nameof(Console))]
public sealed class CommandTests
{
    private static readonly string[] Fast = ["--patience", "60", "--case", "single-valid", "--case", "duplicate", "--case", "two-nodes"];

    [Fact]
    public async Task Command_EveryJudgedCasePasses_EndsWithZeroAndSaysWhatWasSkipped()
    {
        await using var receiver = await StartAsync<SoundReceiver>();
        var (code, output, _) = await RunAsync([.. To(receiver), .. Fast, "--json"]);
        Assert.Equal(ConformanceCommand.AllPassed, code);
        using var json = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]);
        Assert.Equal(2, json.RootElement.GetProperty("passed").GetInt32());
        Assert.Equal(1, json.RootElement.GetProperty("skipped").GetInt32());
        var skipped = json.RootElement.GetProperty("cases").EnumerateArray().Single(one => one.GetProperty("verdict").GetString() == "skipped");
        Assert.Equal("needs --feed, a second --url", skipped.GetProperty("reason").GetString());
        Assert.Contains("2 passed, 0 failed, 1 skipped", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_ACaseFails_EndsWithOneAndWritesJUnit()
    {
        await using var receiver = await StartAsync<KeepsNoRecord>();
        var junit = Path.GetTempFileName();
        var (code, _, _) = await RunAsync([.. To(receiver), .. Fast, "--junit", junit]);
        Assert.Equal(ConformanceCommand.SomeFailed, code);
        Assert.Equal((byte)'<', (await File.ReadAllBytesAsync(junit))[0]);
        var suite = XDocument.Load(junit).Root!.Element("testsuite")!;
        Assert.Equal(("3", "1", "1"), ((string)suite.Attribute("tests")!, (string)suite.Attribute("failures")!, (string)suite.Attribute("skipped")!));
        Assert.Contains("handled more than once", suite.Descendants("failure").Single().Value, StringComparison.Ordinal);
        File.Delete(junit);
    }

    [Theory]
    [InlineData("--case", "no-such-case")]
    [InlineData("--url", "not an address")]
    [InlineData("--secret", "whsec_short")]
    [InlineData("--patience", "0")]
    [InlineData("--first-seq", "-4")]
    [InlineData("--first-seq", "0")]
    [InlineData("--first-seq", "abc")]
    [InlineData("--no-such-option", "1")]
    [InlineData("--endpoint", "ep_1")]
    public async Task Command_WrongUsage_EndsWithTwo(string option, string value) =>
        Assert.Equal(ConformanceCommand.WrongUsage, (await RunAsync([option, value])).Code);

    [Fact]
    public async Task Command_NobodyListens_EndsWithThree()
    {
        var (code, _, error) = await RunAsync(["--url", "http://127.0.0.1:9/", "--secret", SoundReceiver.Secret.Reveal(), "--patience", "0.2"]);
        Assert.Equal(ConformanceCommand.NothingJudged, code);
        Assert.Contains("cannot be reached", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_NothingCouldBeJudged_EndsWithThree()
    {
        await using var receiver = await StartAsync<SoundReceiver>();
        var (code, _, _) = await RunAsync(["--url", $"{receiver.Url}", "--secret", SoundReceiver.Secret.Reveal(), "--case", "single-valid"]);
        Assert.Equal(ConformanceCommand.NothingJudged, code);
    }

    [Fact]
    public async Task Command_List_NamesEveryCaseAndExplainsEach()
    {
        var (code, output, _) = await RunAsync(["--list"]);
        Assert.Equal(ConformanceCommand.AllPassed, code);
        foreach (var one in Cases.Catalogue.All)
        {
            Assert.Contains(one.Name, output, StringComparison.Ordinal);
            Assert.Contains(one.Why[..20], (await RunAsync(["--explain", one.Name])).Output, StringComparison.Ordinal);
        }
    }

    private static async Task<T> StartAsync<T>() where T : SoundReceiver, new()
    {
        var receiver = new T();
        await receiver.StartAsync();
        return receiver;
    }

    private static string[] To(SoundReceiver receiver) =>
        ["--url", $"{receiver.Url}", "--secret", SoundReceiver.Secret.Reveal(), "--observer", $"{receiver.Observer}"];

    private static async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var (formerOutput, formerError) = (Console.Out, Console.Error);
        Console.SetOut(output);
        Console.SetError(error);
        Spectre.Console.AnsiConsole.Console = Spectre.Console.AnsiConsole.Create(new Spectre.Console.AnsiConsoleSettings
        {
            Out = new Spectre.Console.AnsiConsoleOutput(output), Ansi = Spectre.Console.AnsiSupport.No, ColorSystem = Spectre.Console.ColorSystemSupport.NoColors,
        });
        Spectre.Console.AnsiConsole.Profile.Width = 1000;
        try
        {
            return (await ConformanceCommand.RunAsync(arguments), $"{output}", $"{error}");
        }
        finally
        {
            Console.SetOut(formerOutput);
            Console.SetError(formerError);
        }
    }
}
