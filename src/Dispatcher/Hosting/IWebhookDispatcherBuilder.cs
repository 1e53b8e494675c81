using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Dispatcher;

/// <summary>Configures the dispatcher further: what schedules its work, such as Hangfire in place of the in-box worker.</summary>
public interface IWebhookDispatcherBuilder
{
    /// <summary>The application's services.</summary>
    IServiceCollection Services { get; }
}
