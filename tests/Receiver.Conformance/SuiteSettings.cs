using Webhooks.Signing;

namespace Webhooks.Conformance;

/// <summary>What the suite is told of the receiver.</summary>
internal sealed record SuiteSettings
{
    public const string DefaultEndpoint = "ep_conformance";

    /// <summary>Where deliveries go; a second one is another node on the same store.</summary>
    public required IReadOnlyList<Uri> Nodes { get; init; }

    /// <summary>The receiver's newest live secret.</summary>
    public required WebhookSecret Secret { get; init; }

    /// <summary>Another live one, in its overlap.</summary>
    public WebhookSecret? OldSecret { get; init; }

    /// <summary>One whose time is over.</summary>
    public WebhookSecret? ExpiredSecret { get; init; }

    public string Endpoint { get; init; } = DefaultEndpoint;

    /// <summary>Where the suite serves the feed that the receiver heals from.</summary>
    public Uri? Feed { get; init; }

    public Uri? Observer { get; init; }

    /// <summary>Kills the receiver and starts it again.</summary>
    public Func<CancellationToken, Task>? Restart { get; init; }

    /// <summary>The receiver's log.</summary>
    public string? Log { get; init; }

    /// <summary>The number to begin with; null for what follows on the highest that the observer shows.</summary>
    public long? FirstSeq { get; init; }

    /// <summary>How far the receiver lets a timestamp lie from now.</summary>
    public TimeSpan Tolerance { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The largest body that the receiver takes, in bytes.</summary>
    public int MaxBody { get; init; } = 1024 * 1024;

    /// <summary>How long what must come is waited for.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long in one case, where that is not the same in all.</summary>
    public Func<Cases.ConformanceCase, TimeSpan>? PatienceIn { get; init; }

    /// <summary>How long a body may stand still before the receiver gives it up.</summary>
    public TimeSpan SlowBody { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether the receiver is one that does not look at numbers.</summary>
    public bool IsUnordered { get; init; }
}
