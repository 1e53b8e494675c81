using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.Api;

/// <summary>The OpenAPI 3.1 document of a table of routes.</summary>
internal sealed partial class ApiDocument
{
    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string SignedInstead = " Without an Authorization header, or with a `webhook-id`, it is a request of the endpoint's receiver (docs/protocol.md): signed with its secret, or with a key as well.";

    private readonly ApiSchemas _schemas = new();
    private readonly ApiExamples _examples;
    private readonly SortedDictionary<string, JsonObject> _refusals = new(StringComparer.Ordinal);

    private ApiDocument() => _examples = new ApiExamples(_schemas.Components);

    /// <summary>Describes routes below a prefix.</summary>
    public static JsonObject Of(IEnumerable<ApiRoute> routes, string prefix) => new ApiDocument().Describe([.. routes], prefix);

    /// <summary>The document as it is served, and as it is checked in.</summary>
    public static byte[] Write(JsonObject document) => Encoding.UTF8.GetBytes(document.ToJsonString(Written).ReplaceLineEndings("\n") + "\n");

    /// <summary>The errors that a route may answer.</summary>
    public static IEnumerable<ApiProblem> ProblemsOf(ApiRoute route)
    {
        IEnumerable<ApiProblem> common =
            [ApiProblem.MalformedRequest, ApiProblem.Unauthenticated, ApiProblem.Forbidden, ApiProblem.RateLimited, ApiProblem.Internal, ApiProblem.Unavailable];
        if (route.Method == "POST") common = common.Append(ApiProblem.MalformedIdempotencyKey);
        if (IsIdempotent(route)) common = common.Append(ApiProblem.IdempotencyKeyReused);
        if (route.Body is not null) common = common.Concat([ApiProblem.TooLarge, ApiProblem.UnsupportedMediaType, ApiProblem.ValidationFailed]);
        return common.Concat(route.Problems).Distinct().OrderBy(problem => problem.Status).ThenBy(problem => problem.Code, StringComparer.Ordinal);
    }

    private JsonObject Describe(IReadOnlyList<ApiRoute> routes, string prefix)
    {
        var paths = new JsonObject();
        foreach (var path in routes.GroupBy(route => Constraint().Replace(route.Pattern, "}")))
        {
            var operations = new JsonObject();
            foreach (var route in path) operations[route.Method.ToLowerInvariant()] = Operation(route, path.Key);
            paths[path.Key] = operations;
        }

        _schemas.Components["Error"] = ErrorSchema();
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "Webhooks management API", ["version"] = "1", ["description"] = ApiText.Introduction,
                ["license"] = new JsonObject { ["name"] = "MIT", ["identifier"] = "MIT" },
            },
            ["jsonSchemaDialect"] = "https://json-schema.org/draft/2020-12/schema",
            ["servers"] = new JsonArray(new JsonObject { ["url"] = prefix }),
            ["tags"] = new JsonArray([.. routes.Select(route => route.Tag).Distinct().Select(tag => new JsonObject { ["name"] = tag })]),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = new JsonObject(
                    _schemas.Components.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))),
                ["responses"] = new JsonObject(_refusals.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
                ["parameters"] = ApiText.Parameters(), ["headers"] = ApiText.Headers(), ["securitySchemes"] = ApiText.SecuritySchemes(),
            },
        };
    }

    private JsonObject Operation(ApiRoute route, string path)
    {
        var operation = new JsonObject
        {
            ["operationId"] = OperationId(route.Method, path), ["summary"] = route.Summary, ["description"] = $"Needs the scope `{route.Scope}`." + (route.ByReceiver is null ? "" : SignedInstead),
            ["tags"] = new JsonArray(route.Tag),
            ["security"] = new JsonArray(new JsonObject { ["bearer"] = new JsonArray(route.Scope) }, new JsonObject { ["apiKey"] = new JsonArray(route.Scope) }),
        };
        var parameters = Parameters(route, path);
        if (parameters.Count > 0) operation["parameters"] = parameters;
        if (route.Body is { } body)
        {
            var content = new JsonObject { ["schema"] = JsonNode.Parse(body) };
            if (route.Example is { } example) content["example"] = JsonNode.Parse(example);
            operation["requestBody"] = new JsonObject
            {
                ["required"] = !route.BodyIsOptional, ["description"] = string.Create(CultureInfo.InvariantCulture, $"At most {route.MaxBody} bytes."),
                ["content"] = new JsonObject { ["application/json"] = content },
            };
        }

        var responses = new JsonObject { [Status(route.Success)] = Success(route, route.Success == 204 ? "Done; there is no body." : "Done.") };
        if (route.PartialSuccess is { } partial) responses[Status(partial)] = Success(route, "Done in part: the answer tells what was rejected, and why.");
        foreach (var problems in ProblemsOf(route).GroupBy(problem => problem.Status)) responses[Status(problems.Key)] = RefusalRef(route, [.. problems]);
        operation["responses"] = responses;
        return operation;
    }

    private static JsonArray Parameters(ApiRoute route, string path)
    {
        var parameters = new JsonArray();
        foreach (Match part in PathParameter().Matches(path))
        {
            var name = part.Groups[1].Value;
            var parameter = new JsonObject { ["name"] = name, ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "string" } };
            if (ApiExamples.Ids.TryGetValue(name, out var example)) (parameter["description"], parameter["example"]) = (name == "event_type" ? "The name of the event type." : $"The id of the {name}.", example);
            parameters.Add(parameter);
        }

        foreach (var parameter in route.Query)
            parameters.Add(new JsonObject { ["name"] = parameter.Name, ["in"] = "query", ["description"] = parameter.Meaning, ["schema"] = JsonNode.Parse(parameter.Schema) });
        if (IsIdempotent(route)) parameters.Add(new JsonObject { ["$ref"] = "#/components/parameters/IdempotencyKey" });
        return parameters;
    }

    private JsonObject Success(ApiRoute route, string description)
    {
        var headers = HeaderRefs([ApiText.RequestId, .. ApiText.RateHeaders]);
        if (IsIdempotent(route)) headers["Idempotency-Replayed"] = HeaderRef("IdempotencyReplayed");
        var response = new JsonObject { ["description"] = description, ["headers"] = headers };
        if (route.Answer is not { } answer) return response;
        var schema = _schemas.Of(answer);
        // What an id in the answer is of: the last thing that the path names, a list of them or one.
        var kind = route.Pattern.Split('/').Last(part => part.Length > 0 && part[0] != '{').TrimEnd('s');
        var example = _examples.Of(schema, kind, route.Example is { } request ? JsonNode.Parse(request) as JsonObject : null);
        response["content"] = Content(schema, ("example", example));
        return response;
    }

    /// <summary>Most errors of most routes are the same: each is described once.</summary>
    private JsonObject RefusalRef(ApiRoute route, IReadOnlyList<ApiProblem> problems)
    {
        var name = string.Join('.', problems.Select(problem => problem.Code));
        if (problems.Contains(ApiProblem.Forbidden)) name += "." + route.Scope.Replace(':', '.');
        if (!_refusals.ContainsKey(name)) _refusals.Add(name, Refusal(route, problems));
        return new JsonObject { ["$ref"] = $"#/components/responses/{name}" };
    }

    private static JsonObject Refusal(ApiRoute route, IReadOnlyList<ApiProblem> problems)
    {
        var examples = new JsonObject();
        foreach (var problem in problems)
        {
            var example = ApiError.Of(problem, problem.When, ApiExamples.Ids["request_id"], ApiText.DetailsOf(problem, route));
            examples[problem.Code] = new JsonObject { ["summary"] = problem.When, ["value"] = JsonNode.Parse(example.Body) };
        }

        // Which codes a status may have here.
        var schema = new JsonObject
        {
            ["allOf"] = new JsonArray(ApiSchemas.Ref("Error"), JsonNode.Parse(
                $$"""{"properties":{"error":{"properties":{"code":{"enum":["{{string.Join("\",\"", problems.Select(problem => problem.Code))}}"]} } } } }""")),
        };
        string[] headers = problems[0].Status == 401 ? [ApiText.RequestId]
            : problems.Any(problem => problem.Retry && problem.Status != 500) ? [ApiText.RequestId, .. ApiText.RateHeaders, "Retry-After"]
            : [ApiText.RequestId, .. ApiText.RateHeaders];
        return new JsonObject
        {
            ["description"] = string.Join("\n\n", problems.Select(
                problem => $"`{problem.Code}`: {problem.When} {problem.WhatToDo}{(problem.Retry ? " It may be repeated." : "")}")),
            ["headers"] = HeaderRefs(headers), ["content"] = Content(schema, ("examples", examples)),
        };
    }

    private static JsonObject Content(JsonNode schema, (string Name, JsonNode? Value) example) =>
        new() { ["application/json"] = new JsonObject { ["schema"] = schema, [example.Name] = example.Value } };

    private static JsonObject HeaderRefs(IEnumerable<string> names) =>
        new(names.Select(name => KeyValuePair.Create(name, (JsonNode?)HeaderRef(name.Replace("-", "", StringComparison.Ordinal)))));

    private static JsonObject HeaderRef(string component) => new() { ["$ref"] = $"#/components/headers/{component}" };

    private static JsonObject ErrorSchema() => (JsonObject)JsonNode.Parse(
        $$"""
        {"type":"object","required":["error"],"properties":{"error":{"type":"object","required":["code","message","details","request_id"],"properties":{
        "code":{"type":"string","enum":["{{string.Join("\",\"", ApiProblem.All.Select(problem => problem.Code))}}"],"description":"Stable: what a program reads."},
        "message":{"type":"string","description":"For people; may change."},
        "details":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"} },"description":"What is wrong with which field."},
        "request_id":{"type":"string","description":"Also in X-Request-Id; the log has it."} } } } }
        """)!;

    private static bool IsIdempotent(ApiRoute route) => route.Method == "POST" && route.Writes != ApiWrites.Nothing;

    private static string Status(int status) => status.ToString(CultureInfo.InvariantCulture);

    /// <summary>Such as <c>getApplicationsByApplication</c>: stable, for it becomes a name in generated clients.</summary>
    private static string OperationId(string method, string path) => method.ToLowerInvariant() + string.Concat(path.Split('/', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part[0] == '{' ? "By" + Pascal(part.Trim('{', '}')) : Pascal(part)));

    private static string Pascal(string words) => string.Concat(words.Split('-', '_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    [GeneratedRegex(@":[^}]+\}")]
    private static partial Regex Constraint();

    [GeneratedRegex(@"\{([^}]+)\}")]
    private static partial Regex PathParameter();
}
