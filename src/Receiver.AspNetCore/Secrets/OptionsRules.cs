using System.Globalization;

namespace Webhooks.Receiver;

/// <summary>The rules of the options, but for the secrets'. Each broken one gives a message that names the key and the range.</summary>
internal static class OptionsRules
{
    private const int MaxApiKeyLength = 1000;

    /// <summary>What an endpoint's id may be. It goes into addresses and signed lines, so it is held to this wherever it comes from.</summary>
    public static bool IsEndpoint(string id) => id.Length is > 0 and <= 200 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    /// <summary>Why the feed cannot be asked, whichever of the secrets is live; null when it can, or need not.</summary>
    public static string? FeedProblem(string source, WebhookReceiverOptions options, LiveSecrets secrets) =>
        options.FeedBaseAddress is null || options.FeedApiKey is not null || secrets.Count == 0 || secrets.CanSign ? null
            : $"Webhook receiver \"{source}\":{nameof(options.FeedBaseAddress)} is set, and no secret can sign a request to the feed, for a public key (whpk_) only verifies. "
                + $"Set {nameof(options.FeedApiKey)} to an API key of the sender's with the scope events:read, or leave out {nameof(options.FeedBaseAddress)} and do without the feed.";

    public static List<string> Check(string source, WebhookReceiverOptions o, IWebhookScheme scheme)
    {
        var errors = new List<string>();
        Between(nameof(o.TimestampTolerance), o.TimestampTolerance, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Between(nameof(o.SecretRefreshInterval), o.SecretRefreshInterval, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Between(nameof(o.SecretMaxAge), o.SecretMaxAge, o.SecretRefreshInterval, TimeSpan.FromDays(30));
        Between(nameof(o.SecretEarlyRefreshInterval), o.SecretEarlyRefreshInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
        Between(nameof(o.SecretTimeout), o.SecretTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1));
        Between(nameof(o.BodyTimeout), o.BodyTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Between(nameof(o.InsertTimeout), o.InsertTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1));
        Between(nameof(o.GapGrace), o.GapGrace, TimeSpan.Zero, TimeSpan.FromHours(1));
        Between(nameof(o.HeadProbeInterval), o.HeadProbeInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1));
        Between(nameof(o.PausedProbeInterval), o.PausedProbeInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1));
        Between(nameof(o.FeedTimeout), o.FeedTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Between(nameof(o.FeedRetryMin), o.FeedRetryMin, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Between(nameof(o.FeedRetryMax), o.FeedRetryMax, o.FeedRetryMin, TimeSpan.FromDays(1));
        Between(nameof(o.HandlerRetryMin), o.HandlerRetryMin, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Between(nameof(o.HandlerRetryMax), o.HandlerRetryMax, o.HandlerRetryMin, TimeSpan.FromDays(1));
        Between(nameof(o.HandlerTimeout), o.HandlerTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1));
        Between(nameof(o.Retention), o.Retention, TimeSpan.FromHours(1), TimeSpan.FromDays(3650));
        Between(nameof(o.IdRetention), o.IdRetention, TimeSpan.FromDays(30), TimeSpan.FromDays(3650));
        Count(nameof(o.MaxBodyBytes), o.MaxBodyBytes, 1, 64 * 1024 * 1024);
        Count(nameof(o.MaxBufferedBytes), o.MaxBufferedBytes, o.MaxBodyBytes * 2L, long.MaxValue);
        Count(nameof(o.InboxLimit), o.InboxLimit, 1, int.MaxValue);
        Count(nameof(o.BackfillPageSize), o.BackfillPageSize, 1, 1000);
        Count(nameof(o.HandlerMaxAttempts), o.HandlerMaxAttempts, 1, int.MaxValue);
        Count(nameof(o.MaxConcurrentHandlers), o.MaxConcurrentHandlers, 1, 1000);
        Count(nameof(o.MaxSettledAhead), o.MaxSettledAhead, 1, 1_000_000);
        if (!Enum.IsDefined(o.Ordering)) errors.Add($"{Key(nameof(o.Ordering))} must be Stream, PerKey or None.");
        if (!Enum.IsDefined(o.OnHandlerExhausted)) errors.Add($"{Key(nameof(o.OnHandlerExhausted))} must be one of {string.Join(", ", Enum.GetNames(o.OnHandlerExhausted.GetType()))}.");
        if (!Enum.IsDefined(o.OnUnrecoverableGap)) errors.Add($"{Key(nameof(o.OnUnrecoverableGap))} must be one of {string.Join(", ", Enum.GetNames(o.OnUnrecoverableGap.GetType()))}.");
        if (!Enum.IsDefined(o.OnUnhandled)) errors.Add($"{Key(nameof(o.OnUnhandled))} must be one of {string.Join(", ", Enum.GetNames(o.OnUnhandled.GetType()))}.");
        if (o.FeedBaseAddress is { IsAbsoluteUri: true } whole && (whole.UserInfo.Length > 0 || whole.Query.Length > 0 || whole.Fragment.Length > 0))
            errors.Add($"{Key(nameof(o.FeedBaseAddress))} must have no user name, query or fragment.");
        if (o.FeedBaseAddress is { } feed && (!feed.IsAbsoluteUri || feed.Scheme is not ("http" or "https")))
            errors.Add($"{Key(nameof(o.FeedBaseAddress))} must be an absolute http or https address.");
        if (o.FeedBaseAddress is not null && scheme is not StandardScheme)
            errors.Add($"{Key(nameof(o.FeedBaseAddress))} must not be set: {scheme.Name} has no feed of numbered events.");
        if (o.FeedApiKey is { } key && (key.Length is 0 or > MaxApiKeyLength || key.AsSpan().ContainsAnyExceptInRange('!', '~')))
            errors.Add($"{Key(nameof(o.FeedApiKey))} must have 1 to {MaxApiKeyLength} visible ASCII characters and no space.");
        if (o.FeedApiKey is not null && o.FeedBaseAddress is not { IsAbsoluteUri: true })
            errors.Add($"{Key(nameof(o.FeedApiKey))} needs FeedBaseAddress, the address that it is sent to.");
        else if (o.FeedApiKey is not null && o.FeedBaseAddress is { Scheme: not "https", IsLoopback: false })
            errors.Add($"{Key(nameof(o.FeedApiKey))} needs an https FeedBaseAddress: unlike a signature, a key can be used by whoever reads it on its way.");
        if (o.Endpoint is { } endpoint && !IsEndpoint(endpoint))
            errors.Add($"{Key(nameof(o.Endpoint))} must be 1 to 200 letters, digits, _ and -.");
        return errors;

        string Key(string name) => $"Webhook receiver \"{source}\":{name}";

        void Between(string name, TimeSpan value, TimeSpan min, TimeSpan max)
        {
            if (value < min || value > max)
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{Key(name)} must lie between {min} and {max}; it is {value}."));
        }

        void Count(string name, long value, long min, long max)
        {
            if (value < min || value > max)
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{Key(name)} must lie between {min} and {max}; it is {value}."));
        }
    }
}
