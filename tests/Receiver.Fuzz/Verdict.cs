using Webhooks.Fuzz.Senders;

namespace Webhooks.Fuzz;

/// <summary>Judges an answer by what the request was, never by what the receiver thinks of it.</summary>
internal static class Verdict
{
    /// <summary>What a request may take beside a multiple of its size.</summary>
    private const long FreeBytes = 512 * 1024;

    private const long BytesPerByte = 64;

    /// <summary>The promise that is broken; null when none is.</summary>
    public static string? Of(FuzzSender sender, InputKind kind, FuzzRequest request, FuzzAnswer answer, long now)
    {
        if (answer.Unhandled is { } failure) return $"an exception was not handled: {failure.GetType().Name}";
        if (!answer.IsTaken && answer.Status is < 400 or >= 500) return $"it was answered {answer.Status}";
        if (answer.Allocated > FreeBytes + (BytesPerByte * request.Body.Length)) return $"{answer.Allocated} bytes of memory were taken for {request.Body.Length}";
        if (!answer.IsTaken && answer.New + answer.Known > 0) return $"it was refused, and {answer.New + answer.Known} of its events were taken";
        if (answer.IsTaken && !sender.IsSigned(request, now)) return "it was taken, and no live secret signed it";
        return kind switch
        {
            InputKind.Valid or InputKind.Again => OfValid(kind == InputKind.Again, request, answer),
            InputKind.Forged or InputKind.Stale or InputKind.Noise when answer.IsTaken => $"it is {kind} and was taken",
            _ when answer.Status == 204 && answer.New + answer.Known == 0 => "it was answered as stored, and nothing was",
            _ => null,
        };
    }

    private static string? OfValid(bool again, FuzzRequest request, FuzzAnswer answer)
    {
        if (!answer.IsTaken) return $"it is valid and was answered {answer.Status}";
        if (request.Challenge is { } challenge)
            return answer is { Status: 200, New: 0, Known: 0 } && answer.Text == challenge ? null : "its challenge was not answered";
        var (isNew, known) = again ? (0, request.Events) : (request.Events, 0);
        return (answer.New, answer.Known) == (isNew, known) ? null : $"of its {request.Events} event(s) {answer.New} were stored and {answer.Known} known";
    }
}
