using System.Globalization;
using Webhooks.Chaos.Judging;
using Webhooks.Dispatcher;
using Webhooks.Signing;

namespace Webhooks.Chaos.Running;

/// <summary>An endpoint of the run, from before it is created until after it is deleted.</summary>
internal sealed class Slot(int number, int receivers, WebhookApplicationId application, Uri url)
{
    public string Source { get; } = $"e{number.ToString("00", CultureInfo.InvariantCulture)}";

    public int Number => number;

    public int Receiver => number % receivers;

    public WebhookApplicationId Application => application;

    /// <summary>Half of them strict, and of all of these kinds at every receiver.</summary>
    public Ordering Ordering { get; } = (number / receivers % 4) switch { 1 => Ordering.Relaxed, 3 => Ordering.Batch, _ => Ordering.Strict };

    public WebhookEndpointId? Id { get; set; }

    /// <summary>The receiver's secrets, newest first. It knows each before the dispatcher does.</summary>
    public List<WebhookSecret> Secrets { get; } = [WebhookSecret.Generate()];

    public List<Matched> Matched { get; } = [];

    /// <summary>The pattern in force, or that which a new endpoint gets.</summary>
    public string Pattern => Matched is [.., { Pattern: { } pattern }] ? pattern : EventTypes.Patterns[number % EventTypes.Patterns.Count];

    public int Changes { get; set; }

    public bool IsThere => Id is not null && Matched is [.., { Pattern: not null }];

    /// <summary>One operator at a time.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    public EndpointSettings Settings => new($"{new Uri(url, Source)}?change={Changes.ToString(CultureInfo.InvariantCulture)}")
    {
        EventTypes = [Pattern], Description = Source, Secret = Secrets[^1],
        Ordering = Ordering == Ordering.Relaxed ? EndpointOrdering.Relaxed : EndpointOrdering.Strict,
        MaxInFlight = 8,
        // Waiting long enough that several come together at the rate of a run.
        Batch = Ordering == Ordering.Batch ? new BatchSettings { MaxEvents = 20, MaxWait = TimeSpan.FromMilliseconds(200) } : null,
    };
}
