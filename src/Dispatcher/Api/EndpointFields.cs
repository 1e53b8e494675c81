using System.Text.Json;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Api;

/// <summary>The settings of an endpoint as a request states them.</summary>
internal static class EndpointFields
{
    /// <summary>Those that may be changed, as JSON Schema.</summary>
    public const string Schema =
        """
        "url":{"type":"string","maxLength":2048,
          "description":"Where events are sent: absolute, https, without user name or fragment. No other endpoint of the application has it."},
        "event_types":{"type":["array","null"],"minItems":1,"maxItems":100,"items":{"type":"string","maxLength":256},
          "description":"Patterns: * stands for any one part, ** at the end for the rest. Default: all."},
        "description":{"type":["string","null"],"maxLength":500},
        "failure_threshold":{"type":["integer","null"],"minimum":1,"maximum":100,"default":3,"description":"How many failed deliveries in a row pause it."},
        "ordering":{"enum":["strict","relaxed",null],"default":"strict",
          "description":"strict: one after another; relaxed: several at once, and what keeps failing holds up no other."},
        "max_in_flight":{"type":["integer","null"],"minimum":1,"maximum":1000,"default":16,"description":"How many requests a relaxed endpoint gets at once."},
        "rate_limit":{"type":["integer","null"],"minimum":1,"maximum":100000,"description":"Requests a second at most; null for as many as it answers."},
        "batch":{"type":["object","null"],"additionalProperties":false,
          "description":"Events come several in a request; only for strict endpoints whose receivers take batches. null for one at a time.","properties":{
          "max_events":{"type":["integer","null"],"minimum":1,"maximum":1000,"default":100},
          "max_wait_ms":{"type":["integer","null"],"minimum":0,"maximum":60000,"default":0},
          "max_bytes":{"type":["integer","null"],"minimum":1024,"maximum":524288,"default":524288}}},
        "receiver_access":{"enum":["none","feed","feed_and_resume",null],"default":"feed_and_resume","description":"What its receiver may do with its secret besides verifying."},
        "headers":{"type":["object","null"],"maxProperties":10,"additionalProperties":{"type":"string","minLength":1,"maxLength":1024},
          "description":"Sent with every request. Replaced as a whole; stored encrypted, and of what is stored only the names are shown."}
        """;

    /// <summary>What signs: of the caller's own, or made here.</summary>
    public const string SchemaOfSecret =
        """
        "algorithm":{"enum":["hmac","ed25519",null],"default":"hmac",
          "description":"What signs: a symmetric secret, or an Ed25519 pair, of which answers hold the public key alone. A dispatcher without Webhooks.Signing.NSec has no ed25519."},
        "secret":{"type":["string","null"],
          "description":"whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an Ed25519 seed and its public key. Default: a fresh one of the algorithm."}
        """;

    /// <summary>Those that only a new endpoint has.</summary>
    public const string SchemaOfNew =
        """
        "since":{"type":["string","null"],"format":"date-time","description":"It also gets the events published since then. Default: from now on."},
        """ + SchemaOfSecret;

    private static readonly EndpointSettings Default = new("");

    /// <summary>What is left out stays as it is; what is null becomes what a new endpoint has.</summary>
    public static EndpointSettings Read(ApiFields fields, EndpointSettings? current)
    {
        var before = current ?? Default;
        return before with
        {
            Url = fields.Text("url", required: current is null || fields.Has("url")) ?? before.Url,
            EventTypes = fields.Texts("event_types") ?? (fields.Has("event_types") ? Default : before).EventTypes,
            Description = fields.Text("description") ?? (fields.Has("description") ? Default : before).Description,
            FailureThreshold = fields.Int("failure_threshold", 1, 100) ?? (fields.Has("failure_threshold") ? Default : before).FailureThreshold,
            Ordering = fields.Word("ordering", EndpointWords.Ordering) ?? (fields.Has("ordering") ? Default : before).Ordering,
            MaxInFlight = fields.Int("max_in_flight", 1, 1000) ?? (fields.Has("max_in_flight") ? Default : before).MaxInFlight,
            RateLimit = fields.Int("rate_limit", 1, 100_000) ?? (fields.Has("rate_limit") ? Default : before).RateLimit,
            Batch = ReadBatch(fields, before.Batch),
            ReceiverAccess = fields.Word("receiver_access", EndpointWords.Access) ?? (fields.Has("receiver_access") ? Default : before).ReceiverAccess,
            Headers = ReadHeaders(fields),
        };
    }

    /// <summary>What only a new endpoint has.</summary>
    public static EndpointSettings ReadNew(ApiFields fields) =>
        Read(fields, null) with { Since = fields.Time("since"), Secret = ReadSecret(fields) };

    /// <summary>A secret of the caller's own, or a pair made here; null for a fresh symmetric one. What is wrong with it is told without it.</summary>
    public static WebhookSecret? ReadSecret(ApiFields fields)
    {
        var algorithm = fields.Word("algorithm", EndpointWords.Algorithm);
        if (fields.Text("secret") is not { } text) return algorithm == WebhookSecretKind.Ed25519 ? MakePair(fields) : null;
        if (!WebhookSecret.TryParse(text, out var secret, out var problem)) return fields.Wrong<WebhookSecret>("secret", problem);
        if (!secret.CanSign) return fields.Wrong<WebhookSecret>("secret", EndpointRules.PublicKey);
        return algorithm is null || algorithm == secret.Kind ? secret
            : fields.Wrong<WebhookSecret>("algorithm", $"The secret is of another: {secret.Kind.Word()}.");
    }

    private static WebhookSecret? MakePair(ApiFields fields) => WebhookAlgorithm.IsAvailable(WebhookSecretKind.Ed25519)
        ? WebhookSecret.GenerateEd25519()
        : fields.Wrong<WebhookSecret>(
            "algorithm", "This dispatcher has no ed25519: its program has to reference the package Webhooks.Signing.NSec and call NSecSigning.Use().");

    /// <summary>The settings of an endpoint that is there.</summary>
    public static EndpointSettings Of(EndpointAnswer endpoint) => new(endpoint.Url)
    {
        EventTypes = endpoint.EventTypes,
        Description = endpoint.Description,
        FailureThreshold = endpoint.FailureThreshold,
        Ordering = EndpointWords.Ordering[endpoint.Ordering],
        MaxInFlight = endpoint.MaxInFlight,
        RateLimit = endpoint.RateLimit,
        Batch = endpoint.Batch is { } batch
            ? new BatchSettings { MaxEvents = batch.MaxEvents, MaxWait = TimeSpan.FromMilliseconds(batch.MaxWaitMs), MaxBytes = batch.MaxBytes }
            : null,
        ReceiverAccess = EndpointWords.Access[endpoint.ReceiverAccess],
    };

    /// <summary>Null where they are to stay; none where they are null.</summary>
    private static Dictionary<string, string>? ReadHeaders(ApiFields fields)
    {
        if (fields.Any("headers") is not { } headers) return null;
        if (headers.ValueKind == JsonValueKind.Null) return [];
        if (headers.ValueKind != JsonValueKind.Object || headers.EnumerateObject().Any(header => header.Value.ValueKind != JsonValueKind.String))
            return fields.Wrong<Dictionary<string, string>>("headers", "Must be an object of texts.");
        try
        {
            return headers.EnumerateObject().ToDictionary(header => header.Name, header => header.Value.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair is valid JSON and no text.
            return fields.Wrong<Dictionary<string, string>>("headers", "Must be valid Unicode.");
        }
    }

    private static BatchSettings? ReadBatch(ApiFields fields, BatchSettings? current)
    {
        if (fields.Object("batch") is not { } batch) return fields.Has("batch") ? null : current;
        var (before, absent) = (current ?? new BatchSettings(), new BatchSettings());
        var read = new BatchSettings
        {
            MaxEvents = batch.Int("max_events", 1, 1000) ?? (batch.Has("max_events") ? absent : before).MaxEvents,
            MaxWait = batch.Int("max_wait_ms", 0, 60_000) is { } wait ? TimeSpan.FromMilliseconds(wait) : (batch.Has("max_wait_ms") ? absent : before).MaxWait,
            MaxBytes = batch.Int("max_bytes", 1024, EndpointRules.MaxBatchBytes) ?? (batch.Has("max_bytes") ? absent : before).MaxBytes,
        };
        fields.Include(batch);
        return read;
    }
}
