using Hangfire.Server;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher;
using Webhooks.Dispatcher.Hangfire;
using Webhooks.Dispatcher.Hangfire.Dashboard;
using Webhooks.Dispatcher.Hangfire.Jobs;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Hosting.Jobs;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts Hangfire in the place of the dispatcher's in-box worker.</summary>
public static class WebhookHangfireExtensions
{
    /// <summary>
    /// Has the Hangfire servers of this process run the dispatcher: one job for each endpoint that has something to send. Call <c>AddHangfire</c> and
    /// <c>AddHangfireServer</c> as for anything else,
    /// the server with <see cref="WebhookHangfireOptions.Queue"/> among its queues. A process whose <see cref="WebhookDispatcherOptions.RunWorker"/> is false only publishes,
    /// and needs no server.
    /// </summary>
    /// <param name="builder">What <c>AddWebhookDispatcher</c> gave.</param>
    /// <param name="configure">Other settings.</param>
    public static IWebhookDispatcherBuilder UseHangfire(this IWebhookDispatcherBuilder builder, Action<WebhookHangfireOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<WebhookHangfireOptions>().Configure(options => configure?.Invoke(options)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<WebhookHangfireOptions>, OptionsRules>());
        services.AddOptions<JobHostOptions>()
            .Configure<IOptions<WebhookHangfireOptions>>((host, own) => (host.DrainBudget, host.LostAfter) = (own.Value.DrainBudget, own.Value.LostAfter));
        services.TryAddSingleton<HangfireJobs>();
        services.TryAddSingleton<IDrainJobs>(provider => provider.GetRequiredService<HangfireJobs>());
        builder.UseHost<JobHost>();
        services.TryAddSingleton(provider => (JobHost)provider.GetRequiredService<IDispatcherHost>());
        // AddHangfireServer gives these to the servers that it makes.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IBackgroundProcess, DispatcherProcess>());
        services.TryAddSingleton<StreamList>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StreamsPageRegistration>());
        return builder;
    }

    private sealed class OptionsRules : IValidateOptions<WebhookHangfireOptions>
    {
        public ValidateOptionsResult Validate(string? name, WebhookHangfireOptions options)
        {
            var problems = options.Problems().ToList();
            return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
        }
    }
}
