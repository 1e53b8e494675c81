using System.Collections.ObjectModel;

namespace Webhooks.Receiver;

/// <summary>One secret of a source, as configured.</summary>
public sealed class WebhookSecretOptions
{
    /// <summary>What logs and metrics call it; its fingerprint when not set.</summary>
    public string? Id { get; set; }

    /// <summary>The secret itself: <c>whsec_</c> and base64, <c>whpk_</c> and base64 for an Ed25519 public key, or as another sender writes it.</summary>
    public string? Value { get; set; }

    /// <summary>When it begins to count; at once when not set.</summary>
    public DateTimeOffset? NotBefore { get; set; }

    /// <summary>
    /// When it ceases to count; never when not set. When every secret of a source is past its time, or before it, requests are answered 401: that they are
    /// not to be believed was said in advance, and is no outage. Health is unhealthy and the feed is not read until a secret counts again.
    /// </summary>
    public DateTimeOffset? NotAfter { get; set; }

    /// <summary>The id; never the value.</summary>
    public override string ToString() => $"secret {Id}";
}

/// <summary>The secrets of a source, newest first. During a rotation there are two, and either is accepted.</summary>
public sealed class WebhookSecretCollection : Collection<WebhookSecretOptions>
{
    /// <summary>Adds a secret that is named by its fingerprint.</summary>
    public void Add(string value) => Add(new WebhookSecretOptions { Value = value });

    /// <summary>Adds a secret under a name of its own.</summary>
    public void Add(string id, string value) => Add(new WebhookSecretOptions { Id = id, Value = value });
}
