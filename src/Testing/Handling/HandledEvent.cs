using Webhooks.Receiver;

namespace Webhooks.Testing;

/// <summary>An event that a receiver under test has settled.</summary>
/// <param name="Event">The event, as a handler is given it.</param>
/// <param name="How">In which way: <see cref="Settlement.Processed"/> when its handler succeeded.</param>
/// <param name="Attempts">How often its handler was called; 0 when none was.</param>
public sealed record HandledEvent(WebhookEvent Event, Settlement How, int Attempts);

/// <summary>A failed call of a handler of a receiver under test.</summary>
/// <param name="Event">The event it was called with.</param>
/// <param name="Attempt">Which attempt it was, from 1.</param>
/// <param name="Exception">What it threw.</param>
public sealed record HandlerFailure(WebhookEvent Event, int Attempt, Exception Exception);
