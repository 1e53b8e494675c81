using Npgsql;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Operations;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher;

/// <summary>Settings of the dispatcher. Those of a single step stand in a class beside it.</summary>
public sealed class WebhookDispatcherOptions
{
    /// <summary>Npgsql connection string of the database in which the platform publishes. Required.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>Schema of the dispatcher's tables. Default <c>webhooks</c>; lower-case letters, digits and underscores.</summary>
    public string Schema { get; set; } = "webhooks";

    /// <summary>
    /// The key that wraps the key ring: base64 of 32 bytes, from a vault or the environment, the same for every process. Required.
    /// Without it the endpoints' secrets in the database cannot be read.
    /// </summary>
    public string MasterKey { get; set; } = "";

    /// <summary>Whether starting brings the schema up to date. Default true.</summary>
    public bool MigrateAtStart { get; set; } = true;

    /// <summary>Whether this process delivers. False makes it one that only publishes and manages. Default true.</summary>
    public bool RunWorker { get; set; } = true;

    /// <summary>Limits and defaults of publishing.</summary>
    public PublishingOptions Publishing { get; } = new();

    /// <summary>How pending events are found and numbered.</summary>
    public SequencingOptions Sequencing { get; } = new();

    /// <summary>Leases, waits between attempts, and what is read ahead.</summary>
    public DeliveryOptions Delivery { get; } = new();

    /// <summary>Time, size and address limits of an attempt.</summary>
    public SendingOptions Sending { get; } = new();

    /// <summary>When this node's own network is suspected, rather than the endpoints.</summary>
    public EgressOptions Egress { get; } = new();

    /// <summary>Operational events: observers, and webhooks to the platform itself.</summary>
    public OperationsOptions Operations { get; } = new();

    /// <summary>How long events, deliveries and their settlements are kept.</summary>
    public RetentionOptions Retention { get; } = new();

    /// <summary>What is counted of each endpoint, and how long that is kept.</summary>
    public StatisticsOptions Statistics { get; } = new();

    // Its text is not repeated in an error: there may be a password in it.
    private static bool IsConnectionString(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text) is { Host.Length: > 0 };
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    internal IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
            yield return "ConnectionString is required: the database in which the platform publishes.";
        else if (!IsConnectionString(ConnectionString))
            yield return "ConnectionString must be one for PostgreSQL, such as Host=db;Database=platform;Username=webhooks;Password=...";
        if (Schema.Length is 0 or > 50 || Schema.Any(c => c is not (>= 'a' and <= 'z' or >= '0' and <= '9' or '_')))
            yield return "Schema must be 1 to 50 lower-case letters, digits or underscores.";
        if (!Secrets.MasterKey.TryParse(MasterKey, out _))
            yield return "MasterKey is required: base64 of 32 random bytes (for example from: openssl rand -base64 32).";
        foreach (var problem in Publishing.Problems().Concat(Sequencing.Problems()).Concat(Delivery.Problems()).Concat(Sending.Problems()).Concat(Egress.Problems()).Concat(Operations.Problems())
            .Concat(Retention.Problems()).Concat(Statistics.Problems()))
        {
            yield return problem;
        }
    }

    internal static IEnumerable<string> InRange(string key, TimeSpan value, TimeSpan low, TimeSpan high)
    {
        if (value < low || value > high) yield return $"{key} must lie between {low} and {high}; it is {value}.";
    }

    internal static IEnumerable<string> InRange(string key, long value, long low, long high)
    {
        if (value < low || value > high) yield return $"{key} must lie between {low} and {high}; it is {value}.";
    }
}
