using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Webhooks.Receiver;

/// <summary>What is registered about a source before the application is built.</summary>
internal sealed class SourceRegistration(string name)
{
    public string Name { get; } = name;

    public HandlerTable Handlers { get; } = new();

    public Func<IServiceProvider, IWebhookInbox>? Inbox { get; set; }

    public Func<IServiceProvider, IWebhookSecretProvider>? SecretProvider { get; set; }

    /// <summary>Tells an event's key; null when there are no keys.</summary>
    public Func<WebhookEvent, string?>? KeyOf { get; set; }

    public IWebhookScheme Scheme { get; set; } = StandardScheme.Instance;

    /// <summary>The name of the source's HTTP client.</summary>
    public string FeedClient { get; } = $"webhooks-feed:{name}";
}

/// <summary>One source at run time: what intake, pump and backfill share.</summary>
internal sealed class ReceiverSource(SourceRegistration registration, ReceiverSettings settings, IWebhookInbox inbox, TimeProvider time) : IDisposable
{
    private long _lastDelivery = time.GetUtcNow().UtcTicks;

    public string Name => registration.Name;

    public HandlerTable Handlers => registration.Handlers;

    public ReceiverSettings Settings => settings;

    /// <summary>What its secret provider gives; null without one.</summary>
    public ProvidedSecrets? Provided { get; init; }

    /// <summary>Is told what becomes of events; null but in tests.</summary>
    public IEventWatch? Watch { get; init; }

    public IWebhookInbox Inbox => inbox;

    public IWebhookScheme Scheme => registration.Scheme;

    public TimeProvider Time => time;

    /// <summary>The bodies under way.</summary>
    public BodyBudget Bodies { get; } = new();

    /// <summary>Wakes the pump: something was stored.</summary>
    public Signal Stored { get; } = new();

    /// <summary>Wakes the backfill: something may be missing.</summary>
    public Signal Missing { get; } = new();

    /// <summary>Set when the feed is to be read soon, whatever the interval says.</summary>
    public volatile bool ProbeAsked;

    /// <summary>What the backfill has found; replaced as a whole.</summary>
    public volatile FeedStanding Feed = FeedStanding.Unknown;

    /// <summary>The last endpoint other than the source's own that a verified request named.</summary>
    public volatile string? RefusedEndpoint;

    /// <summary>What the loops could not do in their last turn, by what they are for.</summary>
    public ConcurrentDictionary<string, string> Troubles { get; } = new();

    /// <summary>What is to be said of the handlers that have not ended though their time was up, by the event.</summary>
    public ConcurrentDictionary<EventKey, string> Overdue { get; } = new();

    /// <summary>Whether the last attempt to store failed; the first success afterwards asks for a probe.</summary>
    public volatile bool InboxDown;

    public DateTimeOffset LastDelivery => new(Interlocked.Read(ref _lastDelivery), TimeSpan.Zero);

    /// <summary>The inbox can be written again.</summary>
    public void InboxIsBack()
    {
        if (!InboxDown) return;
        // The sender may have counted our failures and paused meanwhile.
        InboxDown = false;
        ProbeAsked = true;
        Missing.Set();
    }

    /// <summary>Reads a stored event for its handler. False with a reason, which never shows the content.</summary>
    public bool TryOpen(InboxEvent stored, [NotNullWhen(true)] out Envelope? envelope, [NotNullWhen(false)] out string? error)
    {
        if (stored.Type is null) return EnvelopeReader.TryRead(stored.Body.Span, out envelope, out error);
        (envelope, error) = (new Envelope(stored.Id, stored.Type, null, null, 0, 0, false, .., OwnData: registration.Scheme.DataOf(stored.Body)), null);
        return true;
    }

    /// <summary>Tells the key of an event, whose events are handled one after the other; null when it waits for no other. False with what it met.</summary>
    public bool TryKeyOf(InboxEvent stored, out string? key, [NotNullWhen(false)] out Exception? failure)
    {
        (key, failure) = (null, null);
        // Of a void event no handler is called; what cannot be read is found out when its turn comes.
        if (registration.KeyOf is not { } keyOf || !TryOpen(stored, out var envelope, out _) || envelope.IsVoid) return true;
        try
        {
            key = keyOf(envelope.ToEvent(Name, stored));
            return true;
        }
        // It is the integrator's code, as a handler is.
        catch (Exception e)
        {
            failure = e;
            return false;
        }
    }

    public void Delivered() => Interlocked.Exchange(ref _lastDelivery, time.GetUtcNow().UtcTicks);

    public void Dispose()
    {
        settings.Dispose();
        (inbox as IDisposable)?.Dispose();
        Stored.Dispose();
        Missing.Dispose();
    }
}
