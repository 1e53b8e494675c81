using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Webhooks.Bench.Measuring;

/// <summary>The figures of a command: a table for people, or with <c>--json</c> one flat object as the last line of stdout.</summary>
internal sealed class Report(bool json)
{
    public static readonly Option<bool> Json = new("--json") { Description = "Print the figures as one JSON object on the last line" };

    private readonly List<(string Key, object Value, string Meaning)> _figures = [];
    private readonly List<string> _problems = [];

    /// <summary>Measures, prints, and gives the exit code. A run that breaks off is void, and says so as any other does.</summary>
    public static async Task<int> RunAsync(ParseResult parsed, Func<Report, Task> measure)
    {
        var report = new Report(parsed.GetValue(Json));
        try
        {
            await measure(report);
        }
        catch (OperationCanceledException)
        {
            report.Require(false, "it was interrupted");
        }
        catch (Exception trouble)
        {
            Progress(trouble.ToString());
            report.Require(false, $"{trouble.GetType().Name}: {trouble.Message}");
        }

        return report.Finish();
    }

    /// <summary>Progress is for who waits, not part of the result.</summary>
    public static void Progress(string line) => Console.Error.WriteLine(line);

    public void Add(string key, double value, string meaning, int digits = 3) => _figures.Add((key, Math.Round(value, digits), meaning));

    public void Add(string key, long value, string meaning) => _figures.Add((key, value, meaning));

    public void Add(string key, string value, string meaning) => _figures.Add((key, value, meaning));

    /// <summary>Something that must be so for the figures to mean anything.</summary>
    public void Require(bool condition, string otherwise)
    {
        if (condition) return;
        _problems.Add(otherwise);
        Progress("VOID: " + otherwise);
    }

    /// <summary>Prints, and gives the exit code.</summary>
    public int Finish()
    {
        if (json) Console.Out.WriteLine(ToJson());
        else PrintTable();
        return _problems.Count == 0 ? 0 : 1;
    }

    private void PrintTable()
    {
        foreach (var (key, value, meaning) in _figures)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key,-32} {value,14}   {meaning}"));
        foreach (var problem in _problems) Console.Out.WriteLine("VOID: " + problem);
    }

    private string ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("void", _problems.Count > 0);
            if (_problems.Count > 0) writer.WriteString("problem", string.Join("; ", _problems));
            foreach (var (key, value, _) in _figures)
            {
                if (value is long number) writer.WriteNumber(key, number);
                // A figure that could not be formed, of nothing received, is no number.
                else if (value is double real && double.IsFinite(real)) writer.WriteNumber(key, real);
                else if (value is string text) writer.WriteString(key, text);
                else writer.WriteNull(key);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
