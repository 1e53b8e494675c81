using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>The formats of text that are checked. Another one is refused when a schema is registered: it would promise what nobody looks at.</summary>
internal static partial class SchemaFormats
{
    public static readonly IReadOnlyDictionary<string, Func<string, bool>> All = new Dictionary<string, Func<string, bool>>
    {
        ["date-time"] = IsDateTime,
        ["date"] = IsDate,
        ["time"] = IsTime,
        ["uuid"] = static text => text.Length == 36 && Guid.TryParseExact(text, "D", out _),
        ["email"] = IsEmail,
        ["hostname"] = static text => text.Length <= 253 && Hostname().IsMatch(text),
        ["ipv4"] = static text => Ipv4().IsMatch(text),
        ["ipv6"] = static text =>
            Ipv6().IsMatch(text) && (!text.Contains('.', StringComparison.Ordinal) || Ipv4().IsMatch(text[(text.LastIndexOf(':') + 1)..]))
            && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6,
        ["uri"] = static text => UriText().IsMatch(text) && Uri.TryCreate(text, UriKind.Absolute, out _),
    };

    private static bool IsDateTime(string text) => text.Length > 11 && text[10] is 'T' or 't' && IsDate(text[..10]) && IsTime(text[11..]);

    private static bool IsDate(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsTime(string text)
    {
        if (Time().Match(text) is not { Success: true } time) return false;
        var (hour, minute, second) = (Number(1), Number(2), Number(3));
        var (offsetHour, offsetMinute) = time.Groups[5].Success ? (Number(5), Number(6)) : (0, 0);
        if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false;
        if (second < 60) return true;
        // A leap second is the last of a day, in UTC.
        var offset = ((offsetHour * 60) + offsetMinute) * (time.Groups[4].Value == "-" ? -1 : 1);
        return ((hour * 60) + minute - offset + (2 * 1440)) % 1440 == 1439;

        int Number(int group) => int.Parse(time.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static bool IsEmail(string text)
    {
        var at = text.LastIndexOf('@');
        if (at is < 1 or > 64 || text.Length > 254) return false;
        var domain = text[(at + 1)..];
        return LocalPart().IsMatch(text[..at]) && (All["hostname"](domain) || (domain is ['[', .. var address, ']'] && IsAddress(address)));

        static bool IsAddress(string address) => address.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? All["ipv6"](address[5..]) : All["ipv4"](address);
    }

    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    [GeneratedRegex(@"^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))\z", Linear)]
    private static partial Regex Time();

    [GeneratedRegex(@"^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|""[ -!#-\[\]-~]+"")\z", Linear)]
    private static partial Regex LocalPart();

    [GeneratedRegex(@"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\z", Linear)]
    private static partial Regex Hostname();

    [GeneratedRegex(@"^(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}\z", Linear)]
    private static partial Regex Ipv4();

    [GeneratedRegex(@"^[0-9A-Fa-f:.]{2,45}\z", Linear)]
    private static partial Regex Ipv6();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*\z", Linear)]
    private static partial Regex UriText();
}
