namespace Webhooks.Receiver;

/// <summary>
/// Thrown by <see cref="IInboxTransaction.CommitAsync"/> when what the handler did keeps it from being committed: it ended the transaction, went on after one of its statements had failed,
/// or broke a constraint that is looked at when it is committed. That is a failed attempt of the handler, and nothing of it was stored, unless the handler itself committed it.
/// </summary>
/// <param name="message">What the handler did.</param>
/// <param name="inner">What the database said.</param>
public sealed class HandlerTransactionException(string message, Exception? inner = null) : Exception(message, inner);
