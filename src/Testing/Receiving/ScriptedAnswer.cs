namespace Webhooks.Testing;

/// <summary>What a <see cref="ScriptedReceiver"/> does with one request. Vary one with <c>with { … }</c>.</summary>
public sealed record ScriptedAnswer
{
    private ScriptedAnswer(AnswerKind kind) => Kind = kind;

    /// <summary>The status code of the answer; default 204.</summary>
    public int Status { get; init; } = 204;

    /// <summary>Headers of the answer; a name may come more than once.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Body of the answer; default empty.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>How long to wait, after the request was read, before answering; default zero.</summary>
    public TimeSpan DelayBefore { get; init; }

    /// <summary>
    /// What to wait for, after the request was read, before answering; default nothing. Where <see cref="DelayBefore"/> says how long, this says what
    /// must have happened: a test that must act while a request is under way need not be faster than a clock.
    /// </summary>
    public Task After { get; init; } = Task.CompletedTask;

    /// <summary>For <see cref="SlowBody"/>: the wait after each byte.</summary>
    public TimeSpan DelayPerByte { get; init; }

    /// <summary>204 No Content.</summary>
    public static ScriptedAnswer NoContent { get; } = new(AnswerKind.Answer);

    /// <summary>Accept the request and never answer it, until the client or the receiver ends.</summary>
    public static ScriptedAnswer Never { get; } = new(AnswerKind.Never);

    /// <summary>Abort the connection as soon as the headers are read; the body is not captured.</summary>
    public static ScriptedAnswer ResetBeforeReading { get; } = new(AnswerKind.ResetBeforeReading);

    /// <summary>Read and capture the whole request, then abort the connection: a delivery whose answer is lost.</summary>
    public static ScriptedAnswer ResetAfterReading { get; } = new(AnswerKind.ResetAfterReading);

    /// <summary>A 200 whose body never ends; the client has to.</summary>
    public static ScriptedAnswer EndlessBody { get; } = new(AnswerKind.EndlessBody) { Status = 200 };

    internal AnswerKind Kind { get; private init; }

    /// <summary>A plain answer.</summary>
    /// <param name="status">Its status code, 200 to 599.</param>
    /// <param name="body">Its body, as UTF-8; null for none.</param>
    public static ScriptedAnswer Of(int status, string? body = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 200);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        return NoContent with { Status = status, Body = body is null ? default : System.Text.Encoding.UTF8.GetBytes(body) };
    }

    /// <summary>A redirect.</summary>
    /// <param name="to">The value of <c>Location</c>.</param>
    /// <param name="status">Its status code; default 307, which keeps method and body.</param>
    public static ScriptedAnswer Redirect(string to, int status = 307) => Of(status).WithHeader("Location", to);

    /// <summary>An answer whose body comes one byte at a time.</summary>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="delayPerByte">The wait after each byte.</param>
    /// <param name="status">Its status code; default 200.</param>
    public static ScriptedAnswer SlowBody(int length, TimeSpan delayPerByte, int status = 200) =>
        Of(status, new string('.', length)) with { Kind = AnswerKind.SlowBody, DelayPerByte = delayPerByte };

    /// <summary>The same answer with one header more.</summary>
    public ScriptedAnswer WithHeader(string name, string value) => this with { Headers = [.. Headers, new(name, value)] };
}

internal enum AnswerKind
{
    Answer,
    Never,
    ResetBeforeReading,
    ResetAfterReading,
    SlowBody,
    EndlessBody,
}
