using System.Runtime.InteropServices;
using System.Text.Json;
using Webhooks.Dispatcher.EventTypes;
using Webhooks.Dispatcher.Hosting;

namespace Webhooks.Dispatcher.Api;

/// <summary>Takes events over HTTP: one, or many of which each is judged by itself. The data goes on as it was written, byte for byte.</summary>
internal sealed class EventIntake(ApplicationGate applications, IWebhookPublisher publisher, EventTypeRegistry types, ApiLimits limits, Wake wake)
{
    public const int MaxEvents = 1_000;
    private const string Accepted = "accepted", Rejected = "rejected";

    /// <summary>One event. Without an Idempotency-Key it shares its commit with others; with one, the answer is stored in the transaction of the event.</summary>
    public async Task<ApiResult> PublishAsync(ApiCall call)
    {
        var application = await applications.FindAsync(call);
        var fields = call.Fields;
        var published = Read(fields, application, call.Caller.Key);
        await types.FreshenAsync(call.Cancel);
        var type = JudgeType(fields, call.Caller.Organization, published);
        // What breaks a rule uses up no quota. Where there is none, publishing itself judges.
        if (application.Quota is not null || fields.Errors.Count > 0) Judge(fields, published);
        fields.Done();
        if (application.Suspended) throw new ApiException(ApiProblem.ApplicationSuspended, "The application is suspended and takes no events.");
        if (await limits.CountEventsAsync(application.Key, application.Quota, 1, call.Cancel) == 0) throw limits.QuotaExceeded(application.Quota!.Value);
        WebhookEventId id;
        if (call.IsInTransaction)
        {
            id = await publisher.PublishAsync(published, call.Transaction, call.Cancel);
            WakeAfterCommit(call, application);
        }
        else
        {
            id = await publisher.PublishAsync(published, call.Cancel);
        }

        return ApiResult.Of(new AcceptedEvent(id.Value, Accepted, false, DeprecatedType.Of(type)), ApiJson.Default.AcceptedEvent, 202);
    }

    /// <summary>Many events: those that are accepted are stored in one transaction.</summary>
    public async Task<ApiResult> PublishManyAsync(ApiCall call)
    {
        var application = await applications.FindAsync(call);
        var events = call.Fields.Elements("events", 1, MaxEvents);
        call.Fields.Done();
        var items = new JudgedEvent[events!.Count];
        var valid = new List<(int Index, EventToPublish Event, KnownType? Type)>();
        await types.FreshenAsync(call.Cancel);
        for (var i = 0; i < items.Length; i++)
        {
            if (ReadItem(events[i], application, call.Caller, out var published, out var type) is { } problems) items[i] = Reject(i, ApiProblem.ValidationFailed, problems);
            else if (application.Suspended) items[i] = Reject(i, ApiProblem.ApplicationSuspended);
            else valid.Add((i, published!, type));
        }

        var granted = valid.Count == 0 ? 0 : await limits.CountEventsAsync(application.Key, application.Quota, valid.Count, call.Cancel);
        foreach (var (index, _, _) in valid.Skip(granted))
            items[index] = Reject(index, ApiProblem.QuotaExceeded, new Dictionary<string, string[]> { ["daily_quota"] = [limits.QuotaExceeded(application.Quota!.Value).Message] });
        if (granted > 0)
        {
            var ids = await publisher.PublishAsync([.. valid.Take(granted).Select(one => one.Event)], call.Transaction, call.Cancel);
            for (var i = 0; i < granted; i++) items[valid[i].Index] = new JudgedEvent(valid[i].Index, Accepted, ids[i].Value, Deprecated: DeprecatedType.Of(valid[i].Type));
            WakeAfterCommit(call, application);
        }

        return ApiResult.Of(new JudgedEvents(items), ApiJson.Default.JudgedEvents, granted == items.Length ? 202 : 207);
    }

    /// <summary>What is wrong with an item; null when nothing is.</summary>
    private IReadOnlyDictionary<string, string[]>? ReadItem(JsonElement item, KnownApplication application, ApiCaller caller, out EventToPublish? published, out KnownType? type)
    {
        (published, type) = (null, null);
        if (item.ValueKind != JsonValueKind.Object) return new Dictionary<string, string[]> { ["event"] = ["Must be an object."] };
        if (ApiFields.NameProblem(item) is { } names) return new Dictionary<string, string[]> { ["event"] = [$"It {names}."] };
        var fields = new ApiFields(item);
        published = Read(fields, application, caller.Key);
        type = JudgeType(fields, caller.Organization, published);
        Judge(fields, published);
        return fields.Problems();
    }

    private static EventToPublish Read(ApiFields fields, KnownApplication application, long key)
    {
        var type = fields.Text("type", required: true);
        var dedupeKey = fields.Text("dedupe_key");
        var version = fields.Int("version", 1, EventTypeRules.MaxVersions);
        var data = fields.Any("data", required: true);
        return new EventToPublish(application.Id, type ?? "", data is { } json ? JsonMarshal.GetRawUtf8Value(json).ToArray() : default)
        {
            DedupeKey = dedupeKey, Version = version, ApiKey = key, TypeIsChecked = true,
        };
    }

    /// <summary>What an event's type says of it; the type, when it is registered.</summary>
    private KnownType? JudgeType(ApiFields fields, long organization, EventToPublish published)
    {
        // What is missing is told already.
        if (published.Type.Length == 0 || published.Data.IsEmpty) return null;
        var verdict = types.Judge(organization, published);
        if (verdict.Problems is { } problems) fields.Include(new WebhookValidationException(problems));
        return verdict.Type;
    }

    private void Judge(ApiFields fields, EventToPublish published)
    {
        try
        {
            publisher.Validate(published);
        }
        catch (WebhookValidationException refused)
        {
            fields.Include(refused);
        }
    }

    /// <summary>As a group commit does: whoever numbers events is told where they are.</summary>
    private void WakeAfterCommit(ApiCall call, KnownApplication application) => call.AfterCommit(() =>
    {
        wake.Committed([application.Bucket]);
        return Task.CompletedTask;
    });

    private static JudgedEvent Reject(int index, ApiProblem problem, IReadOnlyDictionary<string, string[]>? details = null) =>
        new(index, Rejected, Code: problem.Code, Details: details ?? ApiError.NoDetails);
}
