using System.Diagnostics.CodeAnalysis;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>A source's secrets, read once for each configuration.</summary>
internal sealed class LiveSecrets
{
    private readonly Entry[] _entries;

    private LiveSecrets(Entry[] entries) => _entries = entries;

    public static bool TryRead(
        IReadOnlyList<WebhookSecretOptions> options, string key, List<string> errors, [NotNullWhen(true)] out LiveSecrets? secrets)
    {
        var entries = new List<Entry>();
        var before = errors.Count;
        if (options.Count == 0) errors.Add($"{key}:Secrets is empty; without a secret no request can be verified.");
        if (options.Count > WebhookReceiverOptions.MaxSecrets)
            errors.Add($"{key}:Secrets has {options.Count} entries; at most {WebhookReceiverOptions.MaxSecrets} are allowed.");
        for (var i = 0; i < options.Count; i++)
        {
            var option = options[i];
            if (!WebhookSecret.TryParse(option.Value, out var secret, out var error))
                errors.Add($"{key}:Secrets:{i}:Value is not a secret. {error}");
            else if (option.NotAfter <= option.NotBefore)
                errors.Add($"{key}:Secrets:{i}:NotAfter must be later than NotBefore.");
            else
                entries.Add(new Entry(option.Id ?? secret.Fingerprint, secret, option.NotBefore, option.NotAfter));
        }

        secrets = errors.Count == before ? new LiveSecrets([.. entries]) : null;
        return secrets is not null;
    }

    /// <summary>The secrets that count now, in the configured order.</summary>
    public WebhookSecret[] At(DateTimeOffset now) => [.. Live(now).Select(entry => entry.Secret)];

    /// <summary>What the secret at this place of <see cref="At"/> is called.</summary>
    public string NameOf(WebhookSecret secret) => _entries.First(entry => ReferenceEquals(entry.Secret, secret)).Id;

    /// <summary>The fingerprints, for a log line about a request that none of them verified.</summary>
    public string Fingerprints(DateTimeOffset now) => string.Join(' ', Live(now).Select(entry => entry.Secret.Fingerprint));

    private IEnumerable<Entry> Live(DateTimeOffset now) =>
        _entries.Where(entry => (entry.NotBefore ?? now) <= now && (entry.NotAfter is not { } end || now < end));

    private sealed record Entry(string Id, WebhookSecret Secret, DateTimeOffset? NotBefore, DateTimeOffset? NotAfter);
}
