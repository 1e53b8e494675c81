namespace Webhooks.Dispatcher.Operations;

/// <summary>How operational events reach the platform.</summary>
public sealed class OperationsOptions
{
    /// <summary>
    /// The id of the platform's own application to which operational events are published as webhooks, signed and numbered as any other; about its own endpoints only observers and the log
    /// speak. Default empty: none is.
    /// </summary>
    public string Application { get; set; } = "";

    /// <summary>How often observers look for news that nothing announced. Default 2 s; 20 ms to 1 min.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long an observer may take for one event. Default 30 s; 10 ms to 10 min.</summary>
    public TimeSpan ObserverTimeout { get; set; } = TimeSpan.FromSeconds(30);

    internal IEnumerable<string> Problems() =>
        WebhookDispatcherOptions.InRange("Operations:PollInterval", PollInterval, TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1))
            .Concat(WebhookDispatcherOptions.InRange("Operations:ObserverTimeout", ObserverTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10)))
            .Concat(Application.Length == 0 || WebhookApplicationId.TryParse(Application, out _)
                ? [] : [$"Operations:Application must be an application's id, app_ and 32 hex digits, or empty; it is \"{Application}\"."]);
}
