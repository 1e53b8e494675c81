using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Api;

/// <summary>The document as a page for people: one file, which loads nothing and runs nothing.</summary>
internal static class ApiPage
{
    private const string Style =
        """
        body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2430;background:#fff}
        details{border:1px solid #d5dae1;border-radius:6px;margin:.5rem 0;padding:.5rem .75rem}summary{cursor:pointer}
        code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:#f4f6f8;padding:.75rem;overflow:auto;border-radius:6px}
        table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;border-bottom:1px solid #e3e7ec;padding:.3rem .6rem .3rem 0}
        .method{display:inline-block;min-width:4.5rem;font-weight:700}
        @media(prefers-color-scheme:dark){body{color:#e3e7ec;background:#15191f}pre{background:#1f252d}details,td,th{border-color:#353d48}a{color:#8ab4f8}}
        """;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Render(JsonObject document)
    {
        var page = new StringBuilder();
        var title = Text(document["info"]!["title"]);
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
            .Append($"<title>{title}</title><style>{Style}</style></head><body>\n<h1>{title}</h1>\n");
        foreach (var paragraph in ((string)document["info"]!["description"]!).Split("\n\n")) page.Append($"<p>{Marked(paragraph)}</p>\n");
        page.Append("<p>For programs: <a href=\"v1.json\">the OpenAPI document</a>.</p>\n");
        foreach (var tag in (JsonArray)document["tags"]!)
        {
            page.Append($"<h2>{Text(tag!["name"])}</h2>\n");
            foreach (var (path, operations) in (JsonObject)document["paths"]!)
                foreach (var (method, operation) in (JsonObject)operations!)
                    if ((string?)operation!["tags"]![0] == (string?)tag["name"]) Operation(page, document, method, (string)document["servers"]![0]!["url"]! + path, operation);
        }

        page.Append("<h2>Schemas</h2>\n");
        foreach (var (name, schema) in (JsonObject)document["components"]!["schemas"]!)
            page.Append($"<details id=\"{Encode(name)}\"><summary><code>{Encode(name)}</code></summary>{Json(schema)}</details>\n");
        return Encoding.UTF8.GetBytes(page.Append("</body></html>\n").ToString());
    }

    private static void Operation(StringBuilder page, JsonObject document, string method, string path, JsonNode operation)
    {
        page.Append($"<details id=\"{Text(operation["operationId"])}\"><summary>")
            .Append($"<code><span class=\"method\">{method.ToUpperInvariant()}</span> {Encode(path)}</code> {Text(operation["summary"])}</summary>\n")
            .Append($"<p>{Marked((string)operation["description"]!)}</p>\n");
        if (operation["parameters"] is JsonArray parameters)
        {
            page.Append("<h3>Parameters</h3><table><tr><th>Name</th><th>In</th><th>Meaning</th><th>Schema</th></tr>\n");
            foreach (var one in parameters)
            {
                var parameter = Resolve(document, one!);
                page.Append($"<tr><td><code>{Text(parameter["name"])}</code></td><td>{Text(parameter["in"])}</td><td>{Text(parameter["description"])}</td>")
                    .Append($"<td><code>{Encode(parameter["schema"]!.ToJsonString(Compact))}</code></td></tr>\n");
            }

            page.Append("</table>\n");
        }

        if (operation["requestBody"] is { } body)
        {
            var content = body["content"]!["application/json"]!;
            page.Append($"<h3>Body</h3><p>{Text(body["description"])}</p>{Json(content["example"])}<details><summary>Schema</summary>{Json(content["schema"])}</details>\n");
        }

        page.Append("<h3>Answers</h3><table><tr><th>Status</th><th>Meaning</th></tr>\n");
        foreach (var (status, stated) in (JsonObject)operation["responses"]!)
        {
            var response = Resolve(document, stated!);
            page.Append($"<tr><td>{Encode(status)}</td><td>{Marked((string)response["description"]!).Replace("\n\n", "<br>", StringComparison.Ordinal)}");
            if (response["content"]?["application/json"] is { } content)
            {
                if (((string?)content["schema"]!["$ref"])?.Split('/')[^1] is { } schema) page.Append($" <a href=\"#{Encode(schema)}\">{Encode(schema)}</a>");
                if (content["example"] is { } example) page.Append(Json(example));
                else if (content["examples"] is JsonObject examples)
                    page.Append($"<details><summary>Example</summary>{string.Concat(examples.Select(one => Json(one.Value!["value"])))}</details>");
            }

            page.Append("</td></tr>\n");
        }

        page.Append("</table></details>\n");
    }

    /// <summary>What stands among the components, where a reference leads there.</summary>
    private static JsonNode Resolve(JsonObject document, JsonNode node) =>
        (string?)node["$ref"] is { } reference && reference.Split('/') is [_, _, var kind, var name] ? document["components"]![kind]![name]! : node;

    private static string Json(JsonNode? json) => json is null ? "" : $"<pre>{Encode(json.ToJsonString(Indented))}</pre>";

    private static string Text(JsonNode? text) => Encode((string?)text ?? "");

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    /// <summary>Words between code marks as code.</summary>
    private static string Marked(string text) => string.Concat(text.Split('`').Select((part, i) => i % 2 == 1 ? $"<code>{Encode(part)}</code>" : Encode(part)));
}
