using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Webhooks.Receiver;

/// <summary>The sources of the application.</summary>
internal sealed class ReceiverRegistry : IDisposable
{
    private readonly Dictionary<string, ReceiverSource> _sources = new(StringComparer.Ordinal);

    public ReceiverRegistry(
        IEnumerable<SourceRegistration> registrations, IServiceProvider services, IOptionsFactory<WebhookReceiverOptions> factory,
        IEnumerable<IOptionsChangeTokenSource<WebhookReceiverOptions>> changes, ILogger<ReceiverSettings> logger, TimeProvider time)
    {
        foreach (var registration in registrations)
        {
            var inbox = registration.Inbox?.Invoke(services) ?? throw new InvalidOperationException(
                $"The webhook source \"{registration.Name}\" has no inbox. Call UsePostgreSqlInbox or UseSqliteInbox, or UseMemoryInbox in tests, after AddWebhookReceiver.");
            var settings = new ReceiverSettings(registration, factory, changes, logger);
            _sources.Add(registration.Name, new ReceiverSource(registration, settings, inbox, time)
            {
                Provided = registration.SecretProvider?.Invoke(services) is { } provider
                    ? new ProvidedSecrets(registration.Name, provider, settings, time, new Random(), logger)
                    : null,
                Watch = services.GetService<IEventWatch>(),
            });
        }

        Names = [.. _sources.Keys];
    }

    public IReadOnlyList<string> Names { get; }

    public IEnumerable<ReceiverSource> All => _sources.Values;

    public ReceiverSource? Find(string? name) => name is null ? null : _sources.GetValueOrDefault(name);

    public ReceiverSource Get(string name) =>
        Find(name) ?? throw new ArgumentException($"There is no webhook source \"{name}\". Registered: {string.Join(", ", Names)}.", nameof(name));

    public void Dispose()
    {
        foreach (var source in _sources.Values) source.Dispose();
    }
}
