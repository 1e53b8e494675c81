using System.Text.Json.Serialization;

namespace Webhooks.Dispatcher.Api;

/// <summary>How answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApplicationAnswer))]
[JsonSerializable(typeof(ApiList<ApplicationAnswer>))]
internal sealed partial class ApiJson : JsonSerializerContext;
