using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>
/// What wakes and schedules <see cref="DispatcherWork"/> in this process, if it delivers. There is one; its start and its stop are the application's. The
/// promises that each must keep are those of <c>tests/Dispatcher.Hosting.Contract</c>.
/// </summary>
internal interface IDispatcherHost : IHostedService;

/// <summary>Puts another host in the place of the in-box worker.</summary>
internal static class DispatcherHostExtensions
{
    public static IWebhookDispatcherBuilder UseHost<THost>(this IWebhookDispatcherBuilder builder) where THost : class, IDispatcherHost
    {
        builder.Services.Replace(ServiceDescriptor.Singleton<IDispatcherHost, THost>());
        return builder;
    }
}
