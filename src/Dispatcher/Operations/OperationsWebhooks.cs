using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Operations;

/// <summary>Publishes operational events to the platform's own application. The publish and the position it moves are one transaction: each event is published once.</summary>
internal sealed class OperationsWebhooks(OperationsLog log, WebhookDatabase database, IWebhookPublisher publisher, IOptions<WebhookDispatcherOptions> options)
{
    /// <summary>No observer can be registered under it.</summary>
    public const string Name = "(operations webhooks)";
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private readonly Guid _owner = Guid.NewGuid();

    public bool IsConfigured => options.Value.Operations.Application.Length > 0;

    public async Task<ObservedEvents> RunOnceAsync(CancellationToken cancel)
    {
        if (await log.ClaimAsync(Name, _owner, Lease, cancel) is not { } state) return ObservedEvents.Elsewhere;
        var application = WebhookApplicationId.Parse(options.Value.Operations.Application);
        await using var connection = await database.OpenAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        var read = await log.ReadAsync(connection, state, cancel);
        if (read.Events.Count == 0) return default;
        // What is said of its own endpoints would lead to more that is to be said of them.
        await publisher.PublishAsync([.. read.Events.Where(one => one.Application != application).Select(one => ToEvent(application, one))], transaction, cancel);
        var next = state.Advance([.. read.Events.Select(one => one.Number)], read.Complete, read.Xmin, read.Horizon);
        if (!await log.StoreAsync(connection, Name, _owner, next, Lease, cancel)) return ObservedEvents.Elsewhere;
        await transaction.CommitAsync(cancel);
        await publisher.WakeAsync(CancellationToken.None);
        return new ObservedEvents(read.Events.Count, !read.Complete, Failed: false);
    }

    public Task ReleaseAsync() => log.ReleaseAsync(Name, _owner, CancellationToken.None);

    private static EventToPublish ToEvent(WebhookApplicationId operations, WebhookOperationalEvent one)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("number", one.Number);
            json.WriteString("at", one.At);
            if (one.Application is { } application) json.WriteString("application", application.Value);
            if (one.Endpoint is { } endpoint) json.WriteString("endpoint", endpoint.Value);
            json.WriteString("actor", one.Actor);
            json.WritePropertyName("details");
            json.WriteRawValue(Encoding.UTF8.GetBytes(one.Details));
            json.WriteEndObject();
        }

        return new EventToPublish(operations, one.Type, stream.ToArray()) { TypeIsChecked = true };
    }
}
