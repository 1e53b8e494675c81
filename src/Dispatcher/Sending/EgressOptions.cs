namespace Webhooks.Dispatcher.Sending;

/// <summary>When this node's own network is suspected, rather than the endpoints that cannot be reached.</summary>
public sealed class EgressOptions
{
    /// <summary>How far back attempts are looked at. Default 60 s.</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>From how many different endpoints on the network may be suspected, when more than half of them cannot be reached. Default 20.</summary>
    public int MinEndpoints { get; set; } = 20;

    /// <summary>
    /// How long to wait before an endpoint that cannot be reached is paused: one attempt more must fail then, and the network still not be under suspicion.
    /// Never longer than the first wait between attempts. Default 15 s.
    /// </summary>
    public TimeSpan ConfirmAfter { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The longest wait between attempts while the network is suspected; it grows up to this as the suspicion lasts. Default 1 minute.</summary>
    public TimeSpan LongestWait { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long endpoints may be unreachable while others answer before that is taken for their own fault. Default 10 minutes. As long as nobody answers,
    /// the suspicion lasts.
    /// </summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromMinutes(10);

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Egress:Window", Window, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10))
            .Concat(WebhookDispatcherOptions.InRange("Egress:MinEndpoints", MinEndpoints, 2, 1_000_000))
            .Concat(WebhookDispatcherOptions.InRange("Egress:ConfirmAfter", ConfirmAfter, TimeSpan.Zero, TimeSpan.FromMinutes(10)))
            .Concat(WebhookDispatcherOptions.InRange("Egress:LongestWait", LongestWait, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)))
            .Concat(WebhookDispatcherOptions.InRange("Egress:Patience", Patience, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)));
}
