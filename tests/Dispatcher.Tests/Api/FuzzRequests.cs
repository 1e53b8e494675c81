using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>Makes requests of an operation of the document, most of which have something wrong with them. The same random numbers make the same request.</summary>
internal sealed class FuzzRequests(JsonObject document, IReadOnlyDictionary<string, string> own)
{
    private static readonly string[] OddTexts =
    [
        "", " ", "null", "0", "-1", "a b", "'; DROP TABLE webhooks.event; --", "\u0000", "\u202e\ufeff", "𝄞🎉", "%", "%s%n", "{}", "[]", "\"", "\\", "../../etc/passwd",
        "app_", "evt_" + "z0".PadRight(32, '0'),
        "http://169.254.169.254/", "https://[::1]/", "9".PadRight(400, '9'), "x".PadRight(2500, 'x'),
        "2026-13-45T99:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z",
        "2026-11-21T03:00:00+14:00", "9223372036854775807", "9223372036854775808", "1e309", "*", "**", "a.*.b", "\r\n", "\t",
    ];

    // Written out, since some of it is no text that a program could hold.
    private static readonly string[] OddJson =
    [
        "null", "true", "false", "0", "-1", "1.5", "1e400", "-0", "9223372036854775808", "123456789012345678901234567890",
        "\"\"", "\"x\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00x\"",
        "[]", "[null]", "[[]]", "[\"a\",\"a\"]",
        "[1,\"a\",null,{}]", "[\"\\ud800\"]", "[\"\\u0000\"]", "{}", "{\"a\":null}", "{\"\":1}", "{\"\\u0000\":\"x\"}", "{\"\\ud800\":\"x\"}",
        "{\"a\":{\"b\":{\"c\":[]}}}", "\"2026-11-21T03:00:00Z\"", "\"9999-12-31T23:59:59.9999999-14:00\"", "\"0001-01-01T00:00:00+14:00\"", "2147483648", "-9223372036854775808",
    ];

    public HttpRequestMessage Make(Random random, string path, string method, JsonNode operation, string key)
    {
        var wrongMethod = random.Next(40) == 0;
        var verb = wrongMethod ? Pick(random, ["PUT", "OPTIONS", "FOO", "DELETE", "POST", "PATCH", "GET"]) : method;
        var request = new HttpRequestMessage(new HttpMethod(verb), "/v1" + PathOf(random, path, method) + Query(random, operation));
        request.Headers.TryAddWithoutValidation("Authorization", random.Next(30) == 0
            ? Pick(random, ["", "Bearer", "Basic Og==", $"Token {key}", $"Bearer {key}x", $"Bearer  {key}", "Bearer \u00e9"])
            : $"Bearer {key}");
        if (random.Next(8) == 0)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", Pick(
                random, ["", " ", "a b", "k" + random.Next(5), new string('k', 255), new string('k', 256), "\u00e9", $"{random.NextInt64()}"]));
        if (random.Next(30) == 0) request.Headers.TryAddWithoutValidation("Idempotency-Key", "twice");
        if (random.Next(20) == 0)
            request.Headers.TryAddWithoutValidation(
                Pick(random, ["Accept", "X-HTTP-Method-Override", "If-None-Match", "Range", "X-Request-Id", "Accept-Encoding", "Prefer", "webhook-id"]),
                Pick(random, ["*", "", "text/html;q=0", "bytes=0-", "DELETE", new string('h', 2000)]));
        var content = operation["requestBody"]?["content"]?["application/json"];
        if (content is not null || random.Next(20) == 0) request.Content = Content(random, operation, content);
        return request;
    }

    private string PathOf(Random random, string path, string method)
    {
        var parts = path.Split('/');
        for (var i = 0; i < parts.Length; i++)
        {
            if (!parts[i].StartsWith('{')) continue;
            var name = parts[i].Trim('{', '}');
            var odd = Pick(random, OddTexts.Where(text => text.Trim('.').Length > 0 && !text.Contains('\0')).ToArray());
            // What is there stays there, so that the requests that follow find it.
            parts[i] = random.Next(10) switch
            {
                0 => Uri.EscapeDataString(odd),
                1 => Pick(random, ["%FF%FE", "%zz", "a%2Fb", "a%252Fb", "%E2%82", "~", "a;b=c"]),
                2 => ApiWorld.Absent.GetValueOrDefault(name, "absent"),
                _ => method == "DELETE" ? ApiWorld.Absent.GetValueOrDefault(name, "absent") : own.GetValueOrDefault(name, "1"),
            };
        }

        return string.Join('/', parts);
    }

    private string Query(Random random, JsonNode operation)
    {
        var names = ((JsonArray?)operation["parameters"] ?? []).Where(parameter => (string?)parameter!["in"] == "query")
            .Select(parameter => (Name: (string)parameter!["name"]!, Schema: parameter["schema"]!)).ToList();
        var query = new List<string>();
        foreach (var (name, schema) in names.Where(_ => random.Next(3) == 0))
        {
            var value = random.Next(4) switch
            {
                0 => Uri.EscapeDataString(Pick(random, OddTexts)),
                1 => Pick(random, ["%FF%FE", "%zz", "%00", "%", "+", "a=b"]),
                2 when schema["enum"] is JsonArray words => (string)words[random.Next(words.Count)]!,
                2 => (string?)schema["type"] is "integer" ? "1" : (string?)schema["format"] is "date-time" ? "2026-11-21T03:00:00Z" : own.GetValueOrDefault(name, "a"),
                _ => $"{random.NextInt64(-5, 300)}",
            };
            query.Add($"{name}={value}");
            if (random.Next(15) == 0) query.Add($"{name}=again");
        }

        if (random.Next(25) == 0) query.Add(Pick(random, ["colour=red", "=", "%FF=1", "LIMIT=1", "a[]=1", "limit", "", "x=" + new string('q', 3000)]));
        return query.Count == 0 ? "" : "?" + string.Join('&', query);
    }

    private HttpContent Content(Random random, JsonNode operation, JsonNode? described)
    {
        var text = random.Next(12) switch
        {
            0 => Pick(random, OddJson),
            1 => Pick(random, ["", " ", "{", "{]", "{\"a\":1,}", "// x\n{}", "{} {}", "nul", "\ufeff{}",
                 "{'a':1}", "{\"a\":01}", "{\"a\":NaN}", "{\"name\":\"a\",\"name\":\"b\"}"]),
            2 => Deep(random.Next(2) == 0, random.Next(10, 2000)),
            _ => Changed(random, described),
        };
        var bytes = Encoding.UTF8.GetBytes(text);
        if (random.Next(25) == 0 && bytes.Length > 2) bytes[random.Next(bytes.Length)] = (byte)random.Next(0x80, 0x100);
        // Larger than any body may be; those that may be very large are left out.
        if (random.Next(50) == 0 && (string?)operation["requestBody"]?["description"] is { } limit
            && int.Parse(string.Concat(limit.Where(char.IsAsciiDigit)), CultureInfo.InvariantCulture) is < 1_000_000 and var most)
            bytes = [.. bytes, .. Enumerable.Repeat((byte)' ', most)];
        if (random.Next(40) == 0) bytes = bytes[..random.Next(bytes.Length + 1)];
        var content = new ByteArrayContent(bytes);
        content.Headers.TryAddWithoutValidation("Content-Type", random.Next(25) == 0
            ? Pick(random, [
                "text/plain", "", "application/json; charset=utf-16", "application/json; charset=\"utf-8\"", "APPLICATION/JSON", "application/jsonx", "multipart/form-data"])
            : "application/json");
        if (random.Next(60) == 0) content.Headers.TryAddWithoutValidation("Content-Encoding", Pick(random, ["gzip", "identity", "br, gzip"]));
        return content;
    }

    /// <summary>The example with some of the schema's fields taken away, changed or added.</summary>
    private string Changed(Random random, JsonNode? described)
    {
        var members = (described?["example"] as JsonObject ?? []).ToDictionary(member => member.Key, member => member.Value?.ToJsonString() ?? "null");
        var schema = described?["schema"] as JsonObject;
        if (schema?["$ref"] is { } reference) schema = (JsonObject)new SchemaCheck(document, false).Resolve((string)reference!);
        var names = (schema?["properties"] as JsonObject ?? []).Select(property => property.Key).Append("colour").ToArray();
        for (var changes = random.Next(4); changes > 0; changes--)
        {
            var name = Pick(random, names);
            switch (random.Next(8))
            {
                case 0: members.Remove(name); break;
                case 1: members[name] = JsonValue.Create(Pick(random, OddTexts)).ToJsonString(); break;
                case 2: members[name] = $"{random.NextInt64(-10, 100_000)}"; break;
                case 3: members[name] = $"\"{new string('y', random.Next(200, 70_000))}\""; break;
                case 4: members[name] = $"[{string.Join(',', Enumerable.Repeat(Pick(random, OddJson), random.Next(1, 300)))}]"; break;
                // Objects within are described, too: their fields are named as anything else's.
                case 5: members[name] = $"{{\"{Pick(random, names)}\":{Pick(random, OddJson)}}}"; break;
                default: members[name] = Pick(random, OddJson); break;
            }
        }

        return "{" + string.Join(',', members.Select(member => $"\"{member.Key}\":{member.Value}")) + "}";
    }

    private static string Deep(bool array, int depth) => array
        ? "{\"name\":" + new string('[', depth) + new string(']', depth) + "}"
        : string.Concat(Enumerable.Repeat("{\"name\":", depth)) + "1" + new string('}', depth);

    private static T Pick<T>(Random random, IReadOnlyList<T> some) => some[random.Next(some.Count)];
}
