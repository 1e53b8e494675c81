using System.Net;

namespace Webhooks.Dispatcher.Sending;

/// <summary>Time, size and address limits of an attempt.</summary>
public sealed class SendingOptions
{
    /// <summary>How long an attempt may take, from connecting to the last byte of the answer. Default 15 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting may take. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many bytes of an answer's body are read; a longer one is a failed delivery. Default 64 KiB.</summary>
    public int MaxResponseBytes { get; set; } = 64 * 1024;

    /// <summary>Whether endpoints may have <c>http</c> URLs. Default false.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>
    /// Networks that may be called though they are not public, in CIDR form such as <c>10.1.0.0/16</c>. Default none: private, loopback,
    /// link-local, metadata and every other special-purpose address is refused when the connection is made, after DNS.
    /// </summary>
    public IList<string> AllowedNetworks { get; } = [];

    /// <summary>The <c>User-Agent</c> of requests. Default <c>Webhooks/0.1</c>.</summary>
    public string UserAgent { get; set; } = "Webhooks/0.1";

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Sending:Timeout", Timeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(2))
            .Concat(WebhookDispatcherOptions.InRange("Sending:ConnectTimeout", ConnectTimeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1)))
            .Concat(WebhookDispatcherOptions.InRange("Sending:MaxResponseBytes", MaxResponseBytes, 0, 16 * 1024 * 1024))
            .Concat(AllowedNetworks.Where(network => !IPNetwork.TryParse(network, out _))
                .Select(network => $"Sending:AllowedNetworks must be in CIDR form such as 10.1.0.0/16; '{network}' is not."));
}
