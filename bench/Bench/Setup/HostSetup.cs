using Webhooks.Dispatcher;

namespace Webhooks.Bench.Setup;

/// <summary>Puts another host in the place of the in-box worker of a process that delivers. This program knows none: <c>bench/Bench.Hangfire</c> does.</summary>
/// <param name="builder">What <c>AddWebhookDispatcher</c> gave.</param>
/// <param name="connectionString">Of the dispatcher's database.</param>
internal delegate void HostSetup(IWebhookDispatcherBuilder builder, string connectionString);
