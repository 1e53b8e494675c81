using System.Text.Json.Serialization;

namespace Webhooks.Dispatcher.Api;

/// <summary>How answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApplicationAnswer))]
[JsonSerializable(typeof(ApiList<AttemptAnswer>))]
[JsonSerializable(typeof(ApiList<SettlementAnswer>))]
[JsonSerializable(typeof(ApiList<ApplicationAnswer>))]
[JsonSerializable(typeof(KeyAnswer))]
[JsonSerializable(typeof(CreatedKeyAnswer))]
[JsonSerializable(typeof(ApiList<KeyAnswer>))]
[JsonSerializable(typeof(ApiList<AuditAnswer>))]
[JsonSerializable(typeof(EndpointAnswer))]
[JsonSerializable(typeof(CreatedEndpointAnswer))]
[JsonSerializable(typeof(ApiList<EndpointAnswer>))]
[JsonSerializable(typeof(StreamAnswer))]
[JsonSerializable(typeof(RotatedSecretAnswer))]
[JsonSerializable(typeof(AcceptedTest))]
[JsonSerializable(typeof(StatisticsAnswer))]
[JsonSerializable(typeof(TaskAnswer))]
[JsonSerializable(typeof(ApiList<TaskAnswer>))]
[JsonSerializable(typeof(FeedPageAnswer))]
[JsonSerializable(typeof(EventTypeAnswer))]
[JsonSerializable(typeof(ApiList<ListedEventType>))]
[JsonSerializable(typeof(AcceptedEvent))]
[JsonSerializable(typeof(JudgedEvents))]
[JsonSerializable(typeof(ApiList<ListedEvent>))]
[JsonSerializable(typeof(EventAnswer))]
internal sealed partial class ApiJson : JsonSerializerContext;
