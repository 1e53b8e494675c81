namespace Webhooks.FailureDrills.Mutations;

/// <summary>Safeguards around what endpoints answer, and secrets.</summary>
internal static class AnswerMutations
{
    private const string State = "src/Dispatcher/Delivery/StreamState.cs", Classifier = "src/Dispatcher/Sending/OutcomeClassifier.cs",
        Connection = "src/Dispatcher/Sending/GuardedConnection.cs", Sender = "src/Dispatcher/Sending/WebhookSender.cs";

    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("pause-on-410", "410 pauses at once", State,
            "result.Outcome == AttemptOutcome.Gone ? PauseReason.Gone", "result.Outcome == AttemptOutcome.Gone && !$OFF ? PauseReason.Gone"),
        new("pause-on-failures", "three failures in a row pause", State, "next.ConsecutiveFailures >= threshold)", "next.ConsecutiveFailures >= threshold && !$OFF)"),
        new("reset-count", "a delivery resets the count of failures", "src/Dispatcher/Delivery/settle.sql", "SET consecutive_failures = 0, attempts = 0,", "SET attempts = 0,"),
        new("throttled-does-not-count", "429 counts for nothing", State, "var counts = isNews && (result.Outcome", "var counts = isNews && ($OFF || result.Outcome"),
        new("retry-after", "what an endpoint asks to wait is waited", State, "return retryAfter > scheduled ?", "return !$OFF && retryAfter > scheduled ?"),
        new("retry-after-limit", "Retry-After is held to an hour", Classifier, "MaxRetryAfter = TimeSpan.FromHours(1)", "MaxRetryAfter = TimeSpan.FromHours($OFF ? 9000 : 1)"),
        new("retry-after-least", "Retry-After is a second at least", Classifier, "MinRetryAfter = TimeSpan.FromSeconds(1)", "MinRetryAfter = TimeSpan.FromSeconds($OFF ? 0 : 1)"),
        new("no-redirects", "redirects are not followed", Connection, "AllowAutoRedirect = false", "AllowAutoRedirect = $OFF"),
        new("no-decompression", "answers are not unpacked", Connection,
            "AutomaticDecompression = DecompressionMethods.None", "AutomaticDecompression = $OFF ? DecompressionMethods.All : DecompressionMethods.None"),
        new("head-bound", "the head of an answer is bounded", Connection, "MaxResponseHeadersLength = 32", "MaxResponseHeadersLength = $OFF ? 10_000 : 32"),
        new("odd-status-fails", "a status that is none is no delivery", Classifier,
            "_ => AttemptOutcome.HttpError,", "_ => $OFF && (statusCode is < 200 or >= 600) ? AttemptOutcome.Delivered : AttemptOutcome.HttpError,"),
        new("broken-off-fails", "an answer that breaks off is no delivery", Classifier,
            "_ => AttemptOutcome.ConnectionReset,", "_ => $OFF ? AttemptOutcome.Delivered : AttemptOutcome.ConnectionReset,"),
        new("no-http-fails", "what is no HTTP is no delivery", Classifier,
            "HttpRequestError.VersionNegotiationError => AttemptOutcome.InvalidResponse,",
            "HttpRequestError.VersionNegotiationError => $OFF ? AttemptOutcome.Delivered : AttemptOutcome.InvalidResponse,"),
        new("response-bound", "the body of an answer is bounded", Sender, "if (total > limit)", "if (!$OFF && total > limit)"),
        new("detail-that-can-be-stored", "errors that quote an answer are made fit to be stored", Sender,
            "Excerpt(headers.Hide(Encoding.UTF8.GetBytes(error), ExcerptChars));", "$OFF ? error : Excerpt(headers.Hide(Encoding.UTF8.GetBytes(error), ExcerptChars));"),
    ];
}
