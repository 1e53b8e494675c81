namespace Webhooks.Dispatcher;

/// <summary>A request was well-formed and refused: what is wrong with which field. Nothing was stored.</summary>
public sealed class WebhookValidationException : Exception
{
    /// <summary>Refuses for one reason.</summary>
    public WebhookValidationException(string field, string problem) : this(new Dictionary<string, string[]> { [field] = [problem] })
    {
    }

    /// <summary>Refuses for all the reasons found, by field.</summary>
    public WebhookValidationException(IReadOnlyDictionary<string, string[]> errors)
        : base(string.Join(" ", errors.Select(error => $"{error.Key}: {string.Join(" ", error.Value)}")))
        => Errors = errors;

    /// <summary>What is wrong, by the name of the field.</summary>
    public IReadOnlyDictionary<string, string[]> Errors { get; }
}

/// <summary>There is no such application or endpoint (any more).</summary>
/// <param name="message">What was looked for.</param>
public sealed class WebhookNotFoundException(string message) : Exception(message);
