namespace Webhooks.Receiver;

/// <summary>A process's right to process a source's stream and to fetch what is missing. Disposed, it is given back, and another process may go on at once.</summary>
public interface IInboxLead : IAsyncDisposable
{
    /// <summary>Cancelled when another process may have the right, because this one could not renew it in time.</summary>
    CancellationToken Lost { get; }
}

/// <summary>The lead of a process that shares its inbox with no other: it is always there and cannot be lost.</summary>
internal sealed class SoleLead : IInboxLead
{
    public static SoleLead Instance { get; } = new();

    public CancellationToken Lost => CancellationToken.None;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
