namespace Webhooks.Receiver;

/// <summary>Is told what becomes of events, so that a test can wait for it. It must be quick and must not throw.</summary>
internal interface IEventWatch
{
    /// <summary>An event is settled, and this is committed.</summary>
    /// <param name="webhookEvent">The event.</param>
    /// <param name="how">In which way.</param>
    /// <param name="attempts">How often its handler was called; 0 when none was.</param>
    void Settled(WebhookEvent webhookEvent, Settlement how, int attempts);

    /// <summary>A handler failed, and what it wrote is rolled back.</summary>
    /// <param name="webhookEvent">The event.</param>
    /// <param name="attempt">Which attempt it was, from 1.</param>
    /// <param name="failure">What the handler threw.</param>
    void Failed(WebhookEvent webhookEvent, int attempt, Exception failure);
}
