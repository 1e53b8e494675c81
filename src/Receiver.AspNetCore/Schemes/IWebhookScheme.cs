using Webhooks.Signing;

namespace Webhooks.Receiver;

/// <summary>
/// How one kind of sender signs its requests, and where it states an event's id and type. The receiver has those of Standard Webhooks (the default),
/// GitHub, Stripe, Slack and Shopify; another one is given to <c>UseScheme</c>. One instance serves all requests of a source at the same time.
/// </summary>
public interface IWebhookScheme
{
    /// <summary>What it is called in messages.</summary>
    string Name { get; }

    /// <summary>The headers it looks at. A request that has one of them twice, or longer than 4,096 characters, is answered 400.</summary>
    IReadOnlyList<string> Headers { get; }

    /// <summary>Whether a body of this media type is taken; another one is answered 415. A charset other than UTF-8 is refused before.</summary>
    /// <param name="mediaType">In lower case and without parameters.</param>
    bool Takes(string mediaType);

    /// <summary>Reads a secret in the sender's own spelling.</summary>
    /// <param name="text">As configured.</param>
    /// <exception cref="FormatException">It is none; the message says which rule it breaks and never shows it.</exception>
    ReceiverSecret ReadSecret(string text);

    /// <summary>Verifies the signature over the exact bytes, and the timestamp where the sender signs one. Comparisons take the same time whatever they find.</summary>
    /// <param name="request">The request. Its body is only there during this call.</param>
    /// <param name="secrets">The live secrets, as <see cref="ReadSecret"/> gave them.</param>
    /// <param name="tolerance">How far a timestamp may lie from <see cref="WebhookRequest.ReceivedAt"/>, on either side.</param>
    /// <returns>Whether it may be trusted, and which secret matched. It never throws for what a sender sent.</returns>
    VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance);

    /// <summary>Finds the events of a verified request.</summary>
    /// <param name="request">The request. Its body stays.</param>
    /// <returns>Events, a reason why there is none, or an answer for the sender. It never throws for what a sender sent.</returns>
    WebhookReading Read(WebhookRequest request);

    /// <summary>What of a stored body a handler is given as its data; not asked for events that came without an <see cref="InboxEvent.Type"/>.</summary>
    /// <param name="body">The exact body.</param>
    ReadOnlyMemory<byte> DataOf(ReadOnlyMemory<byte> body) => body;
}
