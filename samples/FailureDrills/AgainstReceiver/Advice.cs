namespace Webhooks.FailureDrills.AgainstReceiver;

/// <summary>What came of a request, as far as advice goes.</summary>
internal enum AnswerKind
{
    /// <summary>2xx.</summary>
    Accepted,

    /// <summary>4xx that says something about the request.</summary>
    Refused,

    /// <summary>3xx.</summary>
    Redirected,

    /// <summary>404 or 405: this is not the receiver's address.</summary>
    NotThere,

    /// <summary>409.</summary>
    Conflict,

    /// <summary>429.</summary>
    Throttled,

    /// <summary>5xx, or a status that nobody has defined.</summary>
    Failed,

    /// <summary>The time was over before an answer was there.</summary>
    TooLate,

    /// <summary>The connection ended in place of an answer.</summary>
    BrokenOff,

    /// <summary>There was no connection.</summary>
    Unreachable,
}

/// <summary>What an integrator is to do about a drill that failed, by what was answered; pure.</summary>
internal static class Advice
{
    /// <summary>The advice, each piece once.</summary>
    public static IReadOnlyList<string> For(TargetResult result) => [.. result.Wrong.Select(wrong => For(result.Drill, wrong)).Distinct()];

    private static string For(TargetDrill drill, WrongAnswer wrong) => wrong.Kind switch
    {
        AnswerKind.Unreachable =>
            "Nothing is reached at this address. Check host, port, name and certificate, and that the way from here to there is open: the platform will need one, too.",
        AnswerKind.TooLate =>
            $"Answer within {TargetRun.MostForAnswer.TotalSeconds:0} s, after which the sender breaks off: store the event, answer, and call handlers afterwards.",
        AnswerKind.BrokenOff => "The connection ended without an answer. Look for a crash in the application's log, or a proxy in front of it that closes connections.",
        AnswerKind.Redirected =>
            "Nobody follows a redirect with a signed event. Give the address that the redirect leads to, and take away what sends elsewhere (a login, http to https, a slash).",
        AnswerKind.NotThere =>
            "There is no receiver at this path, or it does not take POST. Check the address, and what rewrites paths in front of the application.",
        AnswerKind.Throttled => "Something limits the rate: run again with a lower --rate, and see that the limit leaves room for what the platform sends.",
        AnswerKind.Conflict =>
            "Another event has this number, or another endpoint this stream: run with an --endpoint that nothing but drills uses, or with the --first-seq that its last run named.",
        AnswerKind.Failed when wrong.WasRight =>
            "The application failed at a right delivery. Look in its log for what was thrown; 5xx has the sender try again, and pauses the endpoint after three in a row.",
        AnswerKind.Failed => $"{drill.Fix} Not 5xx: with that the sender takes the receiver for broken, tries again, and pauses the endpoint after three in a row.",
        _ => drill.Fix,
    };
}
