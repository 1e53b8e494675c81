namespace Webhooks.Dispatcher.Api;

/// <summary>One kind of error: what a program reads, and what the documentation says of it.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The stable word for it.</param>
/// <param name="When">When it is answered.</param>
/// <param name="WhatToDo">What the caller is to do.</param>
/// <param name="Retry">Whether the same request may succeed later.</param>
internal sealed record ApiProblem(int Status, string Code, string When, string WhatToDo, bool Retry = false)
{
    public static readonly ApiProblem MalformedRequest = new(400, "malformed_request", "The body is no JSON object, or a parameter is not of its kind.", "Mend the request; details name the parameter.");
    public static readonly ApiProblem MalformedIdempotencyKey = new(400, "malformed_idempotency_key", "Idempotency-Key is empty, longer than 255 characters, not of visible ASCII, or there twice.", "Send one key of 1 to 255 visible ASCII characters, such as a UUID.");
    public static readonly ApiProblem Unauthenticated = new(401, "unauthenticated", "There is no API key, or it is wrong, revoked or expired.", "Send Authorization: Bearer or Api-Key with a live key.");
    public static readonly ApiProblem Forbidden = new(403, "forbidden", "The key lacks the scope that details name.", "Use a key that has the scope.");
    public static readonly ApiProblem NotFound = new(404, "not_found", "There is no such thing, or the key may not see it.", "Look at the id, and at what the key is bound to.");
    public static readonly ApiProblem MethodNotAllowed = new(405, "method_not_allowed", "The path is known, the method is not; Allow names those that are.", "Use one of them.");
    public static readonly ApiProblem EndpointExists = new(409, "endpoint_exists", "The application has an endpoint with this URL already; details name it.", "Change that one.");
    public static readonly ApiProblem EventTypeExists = new(409, "event_type_exists", "There is an event type of this name already, perhaps an archived one.", "Change that one, with PUT or PATCH.");
    public static readonly ApiProblem IdempotencyKeyReused = new(409, "idempotency_key_reused", "The Idempotency-Key was used within 24 hours for another request.", "Use a key of its own for each request.");
    public static readonly ApiProblem ApplicationSuspended = new(409, "application_suspended", "The application is suspended and takes no events.", "End the suspension, then publish.");
    public static readonly ApiProblem EndpointDeleted = new(410, "endpoint_deleted", "The endpoint was deleted.", "Create another one.");
    public static readonly ApiProblem RangeExpired = new(410, "range_expired", "What was asked for is no longer kept.", "Ask from the floor on.");
    public static readonly ApiProblem TooLarge = new(413, "too_large", "The body is larger than allowed; the message says how large it may be.", "Send less at a time.");
    public static readonly ApiProblem UnsupportedMediaType = new(415, "unsupported_media_type", "The body is not application/json in UTF-8, or has a Content-Encoding.", "Send JSON, not compressed.");
    public static readonly ApiProblem ValidationFailed = new(422, "validation_failed", "The request is well formed and breaks a rule; details name every field that does, and why.", "Mend those fields.");
    public static readonly ApiProblem RateLimited = new(429, "rate_limited", "The key has used up its requests of this minute.", "Wait as long as Retry-After says.", Retry: true);
    public static readonly ApiProblem QuotaExceeded = new(429, "quota_exceeded", "The application has used up its events of this day (UTC).", "Wait until midnight UTC, which Retry-After tells, or have the quota raised.", Retry: true);
    public static readonly ApiProblem TooManyTasks = new(429, "too_many_tasks", "The application has ten tasks that have not ended.", "Wait until one ends, or cancel one.", Retry: true);
    public static readonly ApiProblem Internal = new(500, "internal_error", "Something unforeseen; the log has it under the request id.", "Repeat it with the same Idempotency-Key; report the request id.", Retry: true);
    public static readonly ApiProblem Unavailable = new(503, "unavailable", "The database does not answer.", "Repeat it with the same Idempotency-Key after Retry-After.", Retry: true);

    /// <summary>All of them, in the order of their statuses.</summary>
    public static readonly IReadOnlyList<ApiProblem> All =
    [
        MalformedRequest, MalformedIdempotencyKey, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, EndpointExists, EventTypeExists, IdempotencyKeyReused, ApplicationSuspended,
        EndpointDeleted, RangeExpired, TooLarge, UnsupportedMediaType, ValidationFailed, RateLimited, QuotaExceeded, TooManyTasks, Internal, Unavailable,
    ];
}

/// <summary>A request ends with an error.</summary>
internal sealed class ApiException(ApiProblem problem, string message, IReadOnlyDictionary<string, string[]>? details = null) : Exception(message)
{
    public ApiProblem Problem => problem;

    /// <summary>What is wrong with which field.</summary>
    public IReadOnlyDictionary<string, string[]> Details { get; } = details ?? new Dictionary<string, string[]>();

    /// <summary>When the same request may succeed; whole seconds on the wire.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>One field is to blame.</summary>
    public static ApiException Of(ApiProblem problem, string field, string message) => new(problem, message, new Dictionary<string, string[]> { [field] = [message] });
}
