using System.Diagnostics.CodeAnalysis;
using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>The secrets that count at a moment, in the configured order.</summary>
/// <param name="Secrets">For verifying.</param>
/// <param name="Names">What each is called in metrics.</param>
/// <param name="Standard">Those of Standard Webhooks, for verifying what the feed answers.</param>
internal sealed record LiveSet(ReceiverSecret[] Secrets, string[] Names, WebhookSecret[] Standard)
{
    /// <summary>Those that sign feed requests: all of Standard Webhooks but public keys.</summary>
    public WebhookSecret[] Signing { get; } = Array.FindAll(Standard, secret => secret.CanSign);

    /// <summary>The fingerprints, for a log line about a request that is not taken.</summary>
    public string Fingerprints => Secrets.Length == 0 ? "none" : string.Join(' ', Secrets.Select(secret => secret.Fingerprint));
}

/// <summary>A source's secrets, read once for each configuration.</summary>
internal sealed class LiveSecrets
{
    private readonly Entry[] _entries;

    // Which of them count changes only at the ends of their times, so every request between two of these shares one set.
    private volatile Span? _known;

    private LiveSecrets(Entry[] entries) => _entries = entries;

    public int Count => _entries.Length;

    /// <summary>Whether one of them signs feed requests, now or at another time.</summary>
    public bool CanSign => _entries.Any(entry => entry.Secret is StandardSecret { Secret.CanSign: true });

    public static bool TryRead(
        IReadOnlyList<WebhookSecretOptions> options, SourceRegistration source, List<string> errors, [NotNullWhen(true)] out LiveSecrets? secrets)
    {
        var entries = new List<Entry>();
        var key = $"Webhook receiver \"{source.Name}\"";
        var before = errors.Count;
        if (options.Count == 0 && source.SecretProvider is null)
            errors.Add($"{key}:Secrets is empty, and there is no AddSecretProvider; without a secret no request can be verified.");
        if (options.Count > WebhookReceiverOptions.MaxSecrets)
            errors.Add($"{key}:Secrets has {options.Count} entries; at most {WebhookReceiverOptions.MaxSecrets} are allowed.");
        for (var i = 0; i < options.Count; i++)
        {
            var option = options[i];
            if (!TryRead(option.Value, source.Scheme, out var secret, out var error))
                errors.Add($"{key}:Secrets:{i}:Value is not a secret. {error}");
            else if (option.NotAfter <= option.NotBefore)
                errors.Add($"{key}:Secrets:{i}:NotAfter must be later than NotBefore.");
            else
                entries.Add(new Entry(option.Id ?? secret.Fingerprint, secret, option.NotBefore, option.NotAfter));
        }

        secrets = errors.Count == before ? new LiveSecrets([.. entries]) : null;
        return secrets is not null;
    }

    /// <summary>The secrets that count now.</summary>
    public LiveSet At(DateTimeOffset now)
    {
        if (_known is { } known && known.From <= now && now < known.Until) return known.Live;
        var live = _entries.Where(entry => (entry.NotBefore ?? now) <= now && (entry.NotAfter is not { } end || now < end)).ToArray();
        var ends = _entries.SelectMany(entry => new[] { entry.NotBefore, entry.NotAfter }).OfType<DateTimeOffset>().ToList();
        var set = new LiveSet(
            [.. live.Select(entry => entry.Secret)], [.. live.Select(entry => entry.Id)],
            [.. live.Select(entry => entry.Secret).OfType<StandardSecret>().Select(secret => secret.Secret)]);
        _known = new Span(
            ends.Where(end => end <= now).DefaultIfEmpty(DateTimeOffset.MinValue).Max(),
            ends.Where(end => end > now).DefaultIfEmpty(DateTimeOffset.MaxValue).Min(), set);
        return set;
    }

    private static bool TryRead(
        string? text, IWebhookScheme scheme, [NotNullWhen(true)] out ReceiverSecret? secret, [NotNullWhen(false)] out string? error)
    {
        (secret, error) = (null, "It is empty.");
        if (string.IsNullOrEmpty(text)) return false;
        try
        {
            (secret, error) = (scheme.ReadSecret(text), null);
            return true;
        }
        catch (FormatException e)
        {
            error = e.Message;
            return false;
        }
    }

    private sealed record Entry(string Id, ReceiverSecret Secret, DateTimeOffset? NotBefore, DateTimeOffset? NotAfter);

    private sealed record Span(DateTimeOffset From, DateTimeOffset Until, LiveSet Live);
}
