using Webhooks.Receiver;

namespace Webhooks.FailureDrills.Staging;

/// <summary>What is special about the receiver of a drill.</summary>
internal sealed record ReceiverPlan
{
    /// <summary>Changes its options, whose waits are short already.</summary>
    public Action<WebhookReceiverOptions> Options { get; init; } = _ => { };

    /// <summary>Called in each handling with the stage of the drill, before the effect is written; it may wait or throw.</summary>
    public Func<Stage, WebhookEvent, Task>? Handling { get; init; }

    /// <summary>Called in each handling, before the effect is written; it may wait or throw.</summary>
    public Func<WebhookEvent, Task>? BeforeEffect { get; init; }

    /// <summary>Called after the effect was written, before the transaction commits.</summary>
    public Func<WebhookEvent, Task>? AfterEffect { get; init; }
}
