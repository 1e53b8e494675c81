using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Testing;

namespace Webhooks.Integrator.Tests;

/// <summary>The sample shop as it is, in this process, with a database in a folder of its own and a test sender instead of the platform.</summary>
internal sealed class Shop : WebApplicationFactory<Program>
{
    private readonly string _folder = Directory.CreateTempSubdirectory("shop-").FullName;

    public TestSender Sender { get; } = new();

    public WebhookProbe Probe { get; } = new();

    public HttpClient Start()
    {
        var http = CreateClient();
        Sender.PostTo(http, "/hooks");
        return http;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Sender.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder) => builder
        .UseSetting("ConnectionStrings:Sqlite", $"Data Source={Path.Combine(_folder, "shop.db")}")
        .ConfigureTestServices(services => services.UseTestSender("platform", Sender).AddWebhookProbe(Probe));
}
