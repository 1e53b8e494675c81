namespace Webhooks.Dispatcher.Sending;

/// <summary>
/// No connection could be made, and this is why. An exception because it has to pass through the handler, which knows only those.
/// </summary>
internal sealed class ConnectFailure(AttemptOutcome outcome, string message, Exception? inner = null) : Exception(message, inner)
{
    public AttemptOutcome Outcome => outcome;

    /// <summary>The failure inside what the handler threw, if it is one of ours.</summary>
    public static ConnectFailure? In(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
            if (exception is ConnectFailure failure) return failure;
        return null;
    }
}
