using Webhooks.Receiver;

namespace Webhooks.FailureDrills.Staging;

/// <summary>What is special about the receiver of a drill.</summary>
internal sealed record ReceiverPlan
{
    /// <summary>Changes its options, whose waits are short already.</summary>
    public Action<WebhookReceiverOptions> Options { get; init; } = _ => { };

    /// <summary>Called in each handling, before the effect is written; it may wait or throw.</summary>
    public Func<Handling, Task>? BeforeEffect { get; init; }

    /// <summary>Called after the effect was written, before the transaction commits.</summary>
    public Func<Handling, Task>? AfterEffect { get; init; }
}

/// <summary>One call of the handler.</summary>
/// <param name="Stage">The drill, of which several may run side by side.</param>
/// <param name="Event">What is handled.</param>
/// <param name="Attempt">Which attempt at it this is, from 1.</param>
internal sealed record Handling(Stage Stage, WebhookEvent Event, int Attempt)
{
    public long Seq => Event.Seq ?? 0;
}
