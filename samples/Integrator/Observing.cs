using System.Text.Json.Serialization;
using Webhooks.Receiver;

namespace Webhooks.Integrator;

/// <summary>
/// Shows the conformance suite what was handled. On only with <c>Observer</c> set, which no production should: it keeps a row for every event of
/// the suite's, and gives them to whoever asks.
/// </summary>
internal static partial class Observing
{
    /// <summary>The suite's events go through a handler like any other, and their effect is a row in the transaction of the mark.</summary>
    public static IWebhookReceiverBuilder ObserveSuite(this IWebhookReceiverBuilder receiver) =>
        receiver.HandleFallback((received, context, cancellationToken) => context.ExecuteAsync(
            "INSERT INTO observed (event_id, seq) VALUES (@id, @seq)", cancellationToken, ("@id", received.Id), ("@seq", received.Seq)));

    public static void MapObserver(this IEndpointRouteBuilder app, string pattern, ShopDatabase shop) => app.MapGet(pattern, async (CancellationToken cancellationToken) =>
    {
        await using var connection = await shop.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT event_id, seq FROM observed ORDER BY number";
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var handled = new List<Observed>();
        while (await rows.ReadAsync(cancellationToken)) handled.Add(new Observed(rows.GetString(0), await rows.IsDBNullAsync(1, cancellationToken) ? null : rows.GetInt64(1)));
        return Results.Json(new Observation(handled), ObservedJson.Default.Observation);
    });

    internal sealed record Observed(string Id, long? Seq);

    internal sealed record Observation(IReadOnlyList<Observed> Handled);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(Observation))]
    internal sealed partial class ObservedJson : JsonSerializerContext;
}
