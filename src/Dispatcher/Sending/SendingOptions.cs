namespace Webhooks.Dispatcher.Sending;

/// <summary>Time, size and address limits of an attempt.</summary>
public sealed class SendingOptions
{
    /// <summary>How long an attempt may take, from connecting to the last byte of the answer. Default 15 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting may take: finding the address, the connection, TLS. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection is used; then the name is looked up and judged anew. Default 2 minutes.</summary>
    public TimeSpan ConnectionLifetime { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How many bytes of an answer's body are read; a longer one is a failed delivery. Default 64 KiB.</summary>
    public int MaxResponseBytes { get; set; } = 64 * 1024;

    /// <summary>Whether endpoints may have <c>http</c> URLs. Default false.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>
    /// Networks that may be called though they are not public, in CIDR form such as <c>10.1.0.0/16</c>. Default none: private, loopback,
    /// link-local, metadata and every other special-purpose address is refused when the connection is made, after DNS. An address that carries an IPv4
    /// address inside (NAT64, 6to4, Teredo, ISATAP) is allowed only if that one is as well.
    /// </summary>
    public IList<string> AllowedNetworks { get; } = [];

    /// <summary>
    /// An HTTP proxy through which everything is sent, such as <c>http://egress.internal:4750</c>; credentials stand before an <c>@</c>. Default none, and what the
    /// environment says of proxies (<c>HTTP_PROXY</c>) is never used. A proxy looks names up and connects by itself, where the dispatcher cannot
    /// judge addresses: <see cref="ProxyJudgesAddresses"/> must say that the proxy does.
    /// </summary>
    public Uri? Proxy { get; set; }

    /// <summary>The operator's word that <see cref="Proxy"/> refuses whatever is not to be called. Default false; without it, starting with a proxy fails.</summary>
    public bool ProxyJudgesAddresses { get; set; }

    /// <summary>The <c>User-Agent</c> of requests: 1 to 256 printable ASCII characters. Default <c>Webhooks/0.1</c>.</summary>
    public string UserAgent { get; set; } = "Webhooks/0.1";

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Sending:Timeout", Timeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(2))
            .Concat(WebhookDispatcherOptions.InRange("Sending:ConnectTimeout", ConnectTimeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1)))
            .Concat(WebhookDispatcherOptions.InRange("Sending:MaxResponseBytes", MaxResponseBytes, 0, 16 * 1024 * 1024))
            .Concat(WebhookDispatcherOptions.InRange("Sending:ConnectionLifetime", ConnectionLifetime, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)))
            .Concat(AllowedNetworks.SelectMany(NetworkProblems))
            .Concat(UserAgentProblems())
            .Concat(ProxyProblems());

    private static IEnumerable<string> NetworkProblems(string network)
    {
        if (!AddressPolicy.TryParse(network, out _, out var problem))
            yield return $"Sending:AllowedNetworks must be in CIDR form such as 10.1.0.0/16; '{network}' {problem}.";
    }

    private IEnumerable<string> UserAgentProblems()
    {
        // RFC 9110, sections 5.5 and 10.1.5; what is longer than this, some servers refuse.
        if (string.IsNullOrWhiteSpace(UserAgent) || UserAgent.Length > 256 || UserAgent.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            yield return "Sending:UserAgent must have 1 to 256 printable ASCII characters, such as Acme-Webhooks/1.0.";
    }

    private IEnumerable<string> ProxyProblems()
    {
        if (Proxy is null) yield break;
        if (!Proxy.IsAbsoluteUri || Proxy.Scheme != Uri.UriSchemeHttp) yield return "Sending:Proxy must be an http URL such as http://egress.internal:4750.";
        if (!ProxyJudgesAddresses)
            yield return "Sending:ProxyJudgesAddresses must be true where Sending:Proxy is set: the dispatcher cannot judge the addresses that a proxy connects to.";
    }
}
