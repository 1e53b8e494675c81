using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.Receiver;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the receiver to the application's health.</summary>
public static class WebhookReceiverHealthChecksExtensions
{
    /// <summary>Adds a check of one source, or of all.</summary>
    /// <param name="builder">The application's health checks.</param>
    /// <param name="source">The source; all when null.</param>
    public static IHealthChecksBuilder AddWebhookReceiverCheck(this IHealthChecksBuilder builder, string? source = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            source is null ? "webhooks" : $"webhooks:{source}",
            services => new ReceiverHealthCheck(services.GetRequiredService<IWebhookReceiverStatus>(), source), null, ["webhooks"]));
    }
}
