using Hangfire.Dashboard;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Webhooks.Dispatcher.Hangfire.Dashboard;

/// <summary>Enters the page into Hangfire's dashboard, whose routes are one list for the whole process.</summary>
internal sealed class StreamsPageRegistration(IOptions<WebhookHangfireOptions> options) : IHostedService
{
    private static int _entered;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.DashboardPage || Interlocked.Exchange(ref _entered, 1) == 1) return Task.CompletedTask;
        DashboardRoutes.Routes.AddRazorPage(StreamsPage.Path, _ => new StreamsPage());
        DashboardRoutes.Routes.AddCommand(StreamsPage.PausePath, context => Act(context, pause: true));
        DashboardRoutes.Routes.AddCommand(StreamsPage.ResumePath, context => Act(context, pause: false));
        NavigationMenu.Items.Add(page => new MenuItem("Webhooks", page.Url.To(StreamsPage.Path))
        {
            Active = page.RequestPath.StartsWith(StreamsPage.Path, StringComparison.Ordinal),
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool Act(DashboardContext context, bool pause) =>
        context.GetHttpContext().RequestServices.GetRequiredService<StreamList>().ActAsync(context.UriMatch.Groups["endpoint"].Value, pause).GetAwaiter().GetResult();
}
