namespace Webhooks.Dispatcher.Tasks;

/// <summary>A task whose turn it is.</summary>
internal sealed record TaskRow(
    long Key, string Kind, long Application, WebhookEndpointId? EndpointId, long? Endpoint, short? Bucket, long? First, long? Last, string? Reason, long Position, DateTimeOffset CreatedAt);

/// <summary>What a step came to.</summary>
/// <param name="Position">Where the next one begins.</param>
/// <param name="Done">How much was done.</param>
/// <param name="IsAll">Whether that was all.</param>
/// <param name="Wait">How long the next one waits.</param>
internal sealed record TaskStep(long Position, long Done, bool IsAll, TimeSpan Wait = default)
{
    /// <summary>The numbers of a replay's next step.</summary>
    public static (long First, long Last) Chunk(TaskRow task, int most) => (task.Position, Math.Min(task.Last!.Value, task.Position + most - 1));
}
