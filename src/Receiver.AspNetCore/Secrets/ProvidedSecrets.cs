using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Webhooks.Receiver;

/// <summary>What a source's provider has given, and how old it is. The provider is asked once at a time, whoever wants it.</summary>
internal sealed partial class ProvidedSecrets(
    string source, IWebhookSecretProvider provider, ReceiverSettings settings, TimeProvider time, Random random, ILogger logger)
{
    /// <summary>A timer knows whole milliseconds and may fire within the one before.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private Task? _underWay;
    private SecretAge _age = new(null, DateTimeOffset.MinValue, 0, 1);
    private volatile string? _error;

    /// <summary>Why the provider could not be read; null when it could.</summary>
    public string? Error => _error;

    /// <summary>Reads them for the first time.</summary>
    /// <exception cref="OptionsValidationException">There is none, neither here nor in the options, or none that can ask the feed that is to be read.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await ReadAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        if (OptionsRules.FeedProblem(source, settings.Options, settings.Secrets) is { } problem)
            throw new OptionsValidationException(source, typeof(WebhookReceiverOptions), [problem]);
        if (settings.Secrets.Count > 0) return;
        throw new OptionsValidationException(source, typeof(WebhookReceiverOptions), [
            $"Webhook receiver \"{source}\" has no secret: Secrets is empty, and its secret provider {Error ?? "gave none"}. Without a secret no request can be verified."]);
    }

    /// <summary>Asks again if it is time to, and lets go of what has grown too old.</summary>
    /// <returns>When it is time next.</returns>
    public async Task<DateTimeOffset?> RunOnceAsync(CancellationToken stopping)
    {
        var options = settings.Options;
        if (Age().Next(options) <= time.GetUtcNow() + Slack) await ReadAsync().WaitAsync(stopping).ConfigureAwait(false);
        var age = Age();
        if (age.End(options) is not { } end) return age.Next(options);
        if (end <= time.GetUtcNow() + Slack)
        {
            lock (_gate) _age = _age with { ReadAt = null };
            settings.Provide([]);
            LogTooOld(source, options.SecretMaxAge);
            return age.Next(options);
        }

        return age.Next(options) < end ? age.Next(options) : end;
    }

    /// <summary>
    /// Asks early, for a signature that no known secret made; not more often than allowed, and together with whoever is asking already. Whether there is
    /// another answer now is to be seen by whoever asks: somebody else may have had it a moment ago.
    /// </summary>
    public async Task AskEarlyAsync()
    {
        Task underWay;
        lock (_gate)
        {
            if (_underWay is null && !_age.MayAskEarly(time.GetUtcNow(), settings.Options)) return;
            underWay = ReadAsync();
        }

        await underWay.ConfigureAwait(false);
    }

    private SecretAge Age()
    {
        lock (_gate) return _age;
    }

    private Task ReadAsync()
    {
        lock (_gate) return _underWay ??= ReadOnceAsync();
    }

    private async Task ReadOnceAsync()
    {
        // The provider is not to run inside the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var asked = time.GetUtcNow();
        var error = await TryReadAsync(settings.Options.SecretTimeout).ConfigureAwait(false);
        _error = error;
        lock (_gate)
        {
            _age = error is null
                ? new SecretAge(asked, asked, 0, Backoff.Jitter(random.NextDouble()))
                : _age with { AskedAt = asked, Failures = _age.Failures + 1 };
            _underWay = null;
        }
    }

    /// <summary>Reads and applies what the provider gives. Null, or why what is known stays.</summary>
    private async Task<string?> TryReadAsync(TimeSpan timeout)
    {
        try
        {
            using var timer = new CancellationTokenSource(timeout, time);
            // A provider that does not heed its token is not waited for either.
            var given = await provider.GetSecretsAsync(source, timer.Token).AsTask().WaitAsync(timeout, time).ConfigureAwait(false);
            if (given is not { Count: > 0 })
            {
                LogNone(source);
                return "gave none";
            }

            if (settings.Provide(given) is not { } refused) return null;
            LogRefused(source, refused);
            return $"gave what cannot be used ({refused})";
        }
        // Whatever it was, the last known ones go on to count.
        catch (Exception e)
        {
            LogFailed(e, source);
            return $"failed ({e.GetType().Name})";
        }
    }

    [LoggerMessage(110, LogLevel.Error, "The secret provider of webhook source {Source} failed; the secrets known before go on to count")]
    private partial void LogFailed(Exception exception, string source);

    [LoggerMessage(111, LogLevel.Error, "The secret provider of webhook source {Source} gave no secret; the secrets known before go on to count")]
    private partial void LogNone(string source);

    [LoggerMessage(112, LogLevel.Error, "The secret provider of webhook source {Source} gave what cannot be used, and the secrets known before go on to count. {Reason}")]
    private partial void LogRefused(string source, string reason);

    [LoggerMessage(113, LogLevel.Critical, "What the secret provider of webhook source {Source} gave last is older than {MaxAge} and counts no more")]
    private partial void LogTooOld(string source, TimeSpan maxAge);
}
