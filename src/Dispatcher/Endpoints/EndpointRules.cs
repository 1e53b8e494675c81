using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Endpoints;

/// <summary>What an endpoint's settings must be like; pure.</summary>
internal static class EndpointRules
{
    public const int MaxPatterns = 100;
    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromHours(24);
    public static readonly TimeSpan MaxOverlap = TimeSpan.FromDays(7);
    public const int MaxLiveSecrets = 3;
    public const int MaxBatchBytes = 512 * 1024;
    public const string PublicKey = "Is a public key (whpk_), which cannot sign: the dispatcher needs the private one (whsk_), or none to make a pair by itself.";
    public static readonly TimeSpan LongestBatchWait = TimeSpan.FromSeconds(60);

    /// <exception cref="WebhookValidationException">Says what is wrong, for every field.</exception>
    public static void Check(EndpointSettings settings, SendingOptions sending, AddressPolicy addresses)
    {
        var errors = new Dictionary<string, string[]>();
        if (EndpointUrl.Problem(settings.Url, sending, addresses) is { } url) errors["url"] = [url];
        if (settings.EventTypes is null || settings.EventTypes.Count is 0 or > MaxPatterns)
            errors["event_types"] = [$"Must have 1 to {MaxPatterns} patterns; there are {settings.EventTypes?.Count ?? 0}."];
        else if (settings.EventTypes.Select(EventTypePattern.Problem).OfType<string>().Distinct().ToArray() is { Length: > 0 } problems)
            errors["event_types"] = problems;
        if (settings.Description is null || settings.Description.Length > 500 || !EventRules.CanBeStored(settings.Description))
            errors["description"] = [$"Must have at most 500 characters, no NUL and no half of a surrogate pair; it has {settings.Description?.Length ?? 0} characters."];
        if (settings.FailureThreshold is < 1 or > 100)
            errors["failure_threshold"] = [$"Must lie between 1 and 100; it is {settings.FailureThreshold}."];
        if (!Enum.IsDefined(settings.ReceiverAccess))
            errors["receiver_access"] = ["Must be none, feed or feed_and_resume."];
        if (!Enum.IsDefined(settings.Ordering))
            errors["ordering"] = ["Must be strict or relaxed."];
        if (settings.MaxInFlight is < 1 or > 1000)
            errors["max_in_flight"] = [$"Must lie between 1 and 1000; it is {settings.MaxInFlight}."];
        if (settings.RateLimit is < 1 or > 100_000)
            errors["rate_limit"] = [$"Must lie between 1 and 100000 requests a second, or be left out; it is {settings.RateLimit}."];
        if (settings.Batch is { } batch && BatchProblems(batch, settings.Ordering).ToArray() is { Length: > 0 } batchProblems)
            errors["batch"] = batchProblems;
        if (settings.Headers is { } headers && EndpointHeaders.Problems(headers).ToArray() is { Length: > 0 } headerProblems)
            errors["headers"] = headerProblems;
        if (settings.Secret is { CanSign: false }) errors["secret"] = [PublicKey];
        if (errors.Count > 0) throw new WebhookValidationException(errors);
    }

    private static IEnumerable<string> BatchProblems(BatchSettings batch, EndpointOrdering ordering)
    {
        if (ordering != EndpointOrdering.Strict) yield return "Only a strict endpoint gets batches.";
        if (batch.MaxEvents is < 1 or > 1000) yield return $"max_events must lie between 1 and 1000; it is {batch.MaxEvents}.";
        if (batch.MaxWait < TimeSpan.Zero || batch.MaxWait > LongestBatchWait)
            yield return $"max_wait must lie between 0 and {LongestBatchWait.TotalSeconds} s; it is {batch.MaxWait}.";
        if (batch.MaxBytes is < 1024 or > MaxBatchBytes) yield return $"max_bytes must lie between 1024 and {MaxBatchBytes}; it is {batch.MaxBytes}.";
    }

    public static void CheckSecret(WebhookSecret secret)
    {
        if (!secret.CanSign) throw new WebhookValidationException("secret", PublicKey);
    }

    public static void CheckOverlap(TimeSpan overlap)
    {
        if (overlap < TimeSpan.Zero || overlap > MaxOverlap)
            throw new WebhookValidationException("overlap", $"Must lie between 0 and {MaxOverlap.TotalDays} days; it is {overlap}.");
    }
}
