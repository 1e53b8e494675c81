using System.Collections;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Receiver;
using Webhooks.Signing;

namespace Webhooks.Docs.Tests;

/// <summary>The guide's tables say what the code says, and leave nothing out.</summary>
public class TableTests
{
    private static readonly Assembly Receiver = typeof(WebhookReceiverOptions).Assembly;

    public static TheoryData<string, Type> OptionTables => new()
    {
        { "Options of a source", typeof(WebhookReceiverOptions) },
        { "Options of a secret", typeof(WebhookSecretOptions) },
        { "Options of the SQLite inbox", typeof(SqliteInboxOptions) },
        { "Options of the PostgreSQL inbox", typeof(PostgreSqlInboxOptions) },
    };

    [Theory]
    [MemberData(nameof(OptionTables))]
    public void Options_EachIsListed_WithTypeUnitAndDefault(string heading, Type options)
    {
        var defaults = Activator.CreateInstance(options)!;
        var expected = options.GetProperties().Select(option => (option.Name, Type: NameOf(option), Default: Written(option.GetValue(defaults)))).Order();
        var rows = Guide.Table(heading);
        Assert.Equal(expected, rows.Select(row => (row[0], row[1], row[3])).Order());
        foreach (var row in rows)
        {
            // A unit cannot be read from a type, but some of it can.
            if (row[1] == "TimeSpan") Assert.Equal("time", row[2]);
            else if (row[0].EndsWith("Bytes", StringComparison.Ordinal)) Assert.Equal("bytes", row[2]);
            else Assert.NotEqual("", row[2]);
            Assert.NotEqual("", row[4]);
        }
    }

    [Fact]
    public void Answers_EveryReason_IsInTheTable()
    {
        var outcome = Receiver.GetType("Webhooks.Receiver.IntakeOutcome", throwOnError: true)!;
        var known = outcome.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)!)
            .Concat(Enum.GetValues<VerificationStatus>().Where(status => status != VerificationStatus.Valid)
                .Select(status => outcome.GetMethod("Of", [typeof(VerificationStatus)])!.Invoke(null, [status])!))
            .Select(one => ($"{outcome.GetProperty("StatusCode")!.GetValue(one)}", $"{outcome.GetProperty("Word")!.GetValue(one)}"));
        Assert.Equal(known.Distinct().Order(), Guide.Table("What a request is answered").Select(row => (row[0], row[1])).Order());
    }

    [Fact]
    public void Logs_EveryWarningAndError_IsInTheTable()
    {
        var known = new[] { Receiver, typeof(SqliteInboxOptions).Assembly, typeof(PostgreSqlInboxOptions).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>()
            .Where(log => log.Level >= LogLevel.Warning).Select(log => ($"{log.EventId}", $"{log.Level}"));
        Assert.Equal(known.Distinct().Order(), Guide.Table("What the log says").Select(row => (row[0], row[1])).Order());
    }

    [Fact]
    public void Metrics_EveryInstrument_IsInTheTable()
    {
        var services = new ServiceCollection();
        services.AddWebhookReceiver("platform", _ => { }).UseMemoryInbox();
        var known = new SortedSet<(string, string)>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => Take(instrument) };
        listener.Start();
        using var provider = services.BuildServiceProvider();
        _ = ActivatorUtilities.CreateInstance(provider, Receiver.GetType("Webhooks.Receiver.ReceiverMetrics", throwOnError: true)!);
        Assert.Equal(known, new SortedSet<(string, string)>(Guide.Table("Metrics").Select(row => (row[0], row[1]))));

        void Take(Instrument instrument)
        {
            lock (known)
            {
                if (instrument.Meter.Name == "Webhooks.Receiver") known.Add((instrument.Name, instrument.Unit ?? ""));
            }
        }
    }

    private static string NameOf(PropertyInfo option) =>
        Nullable.GetUnderlyingType(option.PropertyType)?.Name ?? option.PropertyType switch
        {
            var type when type == typeof(int) => "int",
            var type when type == typeof(long) => "long",
            var type when type == typeof(bool) => "bool",
            var type when type == typeof(string) => "string",
            var type => type.Name,
        };

    private static string Written(object? value) => value switch
    {
        null or "" or ICollection { Count: 0 } => "none",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        bool isOn => isOn ? "true" : "false",
        IFormattable number and not Enum => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
