using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Webhooks.Receiver;

/// <summary>
/// The options in force for one source. They are made anew on every change of configuration, and kept when the new ones are invalid:
/// a slip in a file must not take a running receiver down, so the exception may not reach whoever reloads the configuration.
/// </summary>
internal sealed partial class ReceiverSettings : IDisposable
{
    private readonly SourceRegistration _registration;
    private readonly IOptionsFactory<WebhookReceiverOptions> _factory;
    private readonly ILogger _logger;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly Lock _gate = new();
    private volatile InForce? _inForce;
    private IReadOnlyList<WebhookSecretOptions> _provided = [];

    public ReceiverSettings(
        SourceRegistration registration, IOptionsFactory<WebhookReceiverOptions> factory,
        IEnumerable<IOptionsChangeTokenSource<WebhookReceiverOptions>> changes, ILogger logger)
    {
        (_registration, _factory, _logger) = (registration, factory, logger);
        foreach (var change in changes.Where(change => change.Name is null || change.Name == registration.Name))
            _subscriptions.Add(ChangeToken.OnChange(change.GetChangeToken, Reload));
    }

    public WebhookReceiverOptions Options => Current.Options;

    public LiveSecrets Secrets => Current.Secrets;

    /// <summary>Raised when changed options have come into force.</summary>
    public event Action? Changed;

    /// <summary>Both together, so that one request never mixes two configurations.</summary>
    /// <exception cref="OptionsValidationException">The first options are invalid.</exception>
    public InForce Current
    {
        get
        {
            if (_inForce is { } known) return known;
            lock (_gate) return _inForce ??= Read();
        }
    }

    /// <summary>Puts what the secret provider gave in the place of what it gave before. Null, or why it cannot be used, in which case nothing changes.</summary>
    public string? Provide(IReadOnlyList<WebhookSecretOptions> given)
    {
        lock (_gate)
        {
            _inForce ??= Read();
            if (IsSame(given, _provided)) return null;
            var errors = new List<string>();
            if (!LiveSecrets.TryRead([.. _inForce.Options.Secrets, .. given], _registration, errors, out var secrets)) return string.Join(' ', errors);
            (_provided, _inForce) = (given, _inForce with { Secrets = secrets });
        }

        LogProvided(_registration.Name, given.Count);
        Changed?.Invoke();
        return null;
    }

    public void Dispose() => _subscriptions.ForEach(subscription => subscription.Dispose());

    private void Reload()
    {
        try
        {
            lock (_gate) _inForce = Read();
        }
        // Whatever is wrong with the new configuration, the last good one stays.
        catch (Exception e)
        {
            // The message names keys and rules, never values; a binder's exception may show a value, so only its type is told.
            LogRefused(_registration.Name, e is OptionsValidationException ? e.Message : e.GetType().Name);
            return;
        }

        LogReloaded(_registration.Name, _inForce.Options.Secrets.Count);
        Changed?.Invoke();
    }

    private InForce Read()
    {
        var source = _registration.Name;
        var options = _factory.Create(source);
        var errors = OptionsRules.Check(source, options, _registration.Scheme);
        if (options.Ordering == ProcessingOrder.PerKey && _registration.KeyOf is null)
            errors.Add($"Webhook receiver \"{source}\":{nameof(options.Ordering)} is PerKey, and nothing tells an event's key. Call ProcessPerKey.");
        // Before a provider has given any, nothing can be said about its secrets.
        if (LiveSecrets.TryRead([.. options.Secrets, .. _provided], _registration, errors, out var secrets)
            && (_registration.SecretProvider is null || _provided.Count > 0) && OptionsRules.FeedProblem(source, options, secrets) is { } problem) errors.Add(problem);
        return secrets is not null && errors.Count == 0
            ? new InForce(options, secrets)
            : throw new OptionsValidationException(source, typeof(WebhookReceiverOptions), errors);
    }

    private static bool IsSame(IReadOnlyList<WebhookSecretOptions> one, IReadOnlyList<WebhookSecretOptions> other) =>
        one.Count == other.Count && one.Zip(other).All(pair =>
            (pair.First.Id, pair.First.Value, pair.First.NotBefore, pair.First.NotAfter)
            == (pair.Second.Id, pair.Second.Value, pair.Second.NotBefore, pair.Second.NotAfter));

    [LoggerMessage(102, LogLevel.Information, "Webhook source {Source} has {Secrets} secret(s) from its provider")]
    private partial void LogProvided(string source, int secrets);

    [LoggerMessage(100, LogLevel.Error, "The changed configuration of webhook source {Source} is invalid and not applied; the last good one stays. {Reason}")]
    private partial void LogRefused(string source, string reason);

    [LoggerMessage(101, LogLevel.Information, "The changed configuration of webhook source {Source} is in force, with {Secrets} secret(s)")]
    private partial void LogReloaded(string source, int secrets);

    public sealed record InForce(WebhookReceiverOptions Options, LiveSecrets Secrets);
}
