using System.Globalization;
using System.Net;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Endpoints;

/// <summary>What the URL of an endpoint must be like; pure.</summary>
internal static class EndpointUrl
{
    public const int MaxLength = 2048;

    private const string NotPublic = "Must not name an address outside the public internet; Sending:AllowedNetworks may allow it.";

    public static string? Problem(string? text, SendingOptions sending, AddressPolicy addresses)
    {
        if (string.IsNullOrEmpty(text)) return "Required.";
        if (text.Length > MaxLength) return $"Must have at most {MaxLength} characters; it has {text.Length}.";
        if (text.AsSpan().ContainsAnyInRange('\0', ' ')) return "Must have no white space or control characters.";
        // Libraries do not agree what follows one, so that one may see another host than the next.
        if (text.Contains('\\')) return "Must have no backslash.";
        if (!EventRules.CanBeStored(text)) return "Must have no half of a surrogate pair.";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || string.IsNullOrEmpty(url.Host)) return "Must be an absolute URL such as https://example.com/hooks.";
        if (url.Scheme != Uri.UriSchemeHttps && !(sending.AllowHttp && url.Scheme == Uri.UriSchemeHttp))
            return sending.AllowHttp ? "Must be http or https." : "Must be https.";
        if (url.UserInfo.Length > 0) return "Must have no user name or password.";
        if (url.Fragment.Length > 0) return "Must have no fragment.";
        if (url.Port == 0) return "Must have a port between 1 and 65535.";
        return HostProblem(url, addresses);
    }

    /// <summary>A name is judged when the connection is made; an address can be judged now, whatever its spelling.</summary>
    private static string? HostProblem(Uri url, AddressPolicy addresses)
    {
        if (url.Host.Any(IsDisguised)) return "Must have a plain host name; write one with other than ordinary letters in its xn-- form.";
        var host = url.IdnHost.TrimEnd('.');
        if (host.Split('.').FirstOrDefault(IsMalformedPunycode) is { } label) return $"Must have a host name that exists; \"{label}\" begins like one with other than ordinary letters and is none.";
        if (IPAddress.TryParse(url.DnsSafeHost, out var address) || IPAddress.TryParse(host, out address))
            return addresses.IsAllowed(address) ? null : NotPublic;
        // As browsers have it: what ends like a number is an address or nothing, and no resolver is to find out which.
        var last = host[(host.LastIndexOf('.') + 1)..];
        if (last.All(char.IsAsciiDigit) || (last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && last[2..].All(char.IsAsciiHexDigit)))
            return "Must have a host name, or an address as four decimal numbers.";
        return HostResolver.IsLocalhost(host.ToLowerInvariant()) && !addresses.IsAllowed(IPAddress.Loopback) && !addresses.IsAllowed(IPAddress.IPv6Loopback)
            ? NotPublic : null;
    }

    private static bool IsMalformedPunycode(string label)
    {
        if (!label.StartsWith("xn--", StringComparison.OrdinalIgnoreCase)) return false;
        try
        {
            return new IdnMapping().GetUnicode(label).Equals(label, StringComparison.OrdinalIgnoreCase);
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    /// <summary>Characters that some resolver turns into ASCII digits, dots or letters, or into nothing: full-width, circled, mathematical, invisible.</summary>
    private static bool IsDisguised(char c) =>
        !char.IsAscii(c)
        && (c is (>= '\u2100' and <= '\u214f') or (>= '\uff00' and <= '\uffef') || char.IsSurrogate(c)
            || char.GetUnicodeCategory(c) is not (UnicodeCategory.LowercaseLetter or UnicodeCategory.UppercaseLetter or UnicodeCategory.OtherLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark));
}
