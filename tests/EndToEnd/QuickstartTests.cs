using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Webhooks.EndToEnd;

/// <summary>The Quickstart as a user runs it.</summary>
public sealed class QuickstartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webhooks-quickstart-tests-").FullName;

    [Fact]
    public async Task Demo_OnItsOwn_EndsAndBalances()
    {
        var (exit, output, errors) = await RunAsync("--json", "--count", "400");
        Assert.True(exit == 0, output + errors);
        var ledger = LastLine(output);
        Assert.True(ledger.GetProperty("balanced").GetBoolean());
        foreach (var name in new[] { "published", "sequenced", "delivered_or_backfilled", "processed", "cursor" })
            Assert.Equal(400, ledger.GetProperty(name).GetInt64());
        foreach (var name in new[] { "rolled_back_seen", "processed_twice", "out_of_order", "altered", "rejected" })
            Assert.Equal(0, ledger.GetProperty(name).GetInt64());
        Assert.Equal(["failing/receiver", "gone/operator"], ledger.GetProperty("pauses").EnumerateArray()
            .Select(pause => $"{pause.GetProperty("reason")}/{pause.GetProperty("resumed_by")}"));
        Assert.True(ledger.GetProperty("gaps_closed").GetInt64() >= 1);
        Assert.True(ledger.GetProperty("self_resumes").GetInt64() >= 1);
    }

    [Fact]
    public async Task Events_OfEveryShape_ArriveByteForByte()
    {
        var data = Payloads().ToList();
        var input = Path.Combine(_folder, "events.ndjson");
        await File.WriteAllTextAsync(input, string.Concat(data.Select(json => $"{{\"type\":\"some.type\",\"data\":{json}}}\n")));
        var received = Path.Combine(_folder, "received.ndjson");
        var (exit, output, errors) = await RunAsync("--events", input, "--received", received, "--json");
        Assert.True(exit == 0, errors);
        Assert.Equal(0, LastLine(output).GetProperty("altered").GetInt64());

        const string Mark = ",\"type\":\"some.type\",\"data\":";
        var got = (await File.ReadAllLinesAsync(received)).Select(line => line[(line.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)..^1]);
        Assert.Equal(data.Order(StringComparer.Ordinal), got.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("{\"type\":\"a.b\",\"data\":1}\n{\"type\":\"a b\",\"data\":1}\n", "line 2")]
    [InlineData("{\"type\":\"a.b\",\"data\":{]}\n", "line 1")]
    [InlineData("{\"type\":\"a.b\"}\n", "line 1: has no \"data\"")]
    [InlineData("[1]\n", "line 1")]
    [InlineData("", "has no event")]
    public async Task Events_WithABadLine_NamesFileLineAndReason(string content, string expected)
    {
        var input = Path.Combine(_folder, "bad.ndjson");
        await File.WriteAllTextAsync(input, content);
        var (exit, _, errors) = await RunAsync("--events", input);
        Assert.Equal(2, exit);
        Assert.Contains("bad.ndjson", errors);
        Assert.Contains(expected, errors);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IEnumerable<string> Payloads()
    {
        string[] shapes =
        [
            "1", "null", "\"\"", "{}", "[]", "-0", "1.0000", "1e400", "123456789012345678901234567890.123456789", "\"\\ud800\"", "\"\\u0000\"",
            "{\"a\":1,\"a\":2}", "{ \"spaced\" :  [ 1 , 2 ]  }", "\"日本語 🎉 \\u00e9 é\"", "{\"seq\":5,\"epoch\":2,\"data\":{}}",
            new string('[', 2000) + new string(']', 2000),
        ];
        var random = new Random(1);
        return shapes.Concat(Enumerable.Range(0, 100).Select(i => $"{{\"i\":{i},\"text\":\"{new string('é', random.Next(4000))}\"}}"))
            .Append($"\"{new string('x', (256 * 1024) - 2)}\"");
    }

    private static JsonElement LastLine(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;

    private static async Task<(int Exit, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Quickstart.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return (process.ExitCode, await output, await errors);
    }
}
