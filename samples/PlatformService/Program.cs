using Microsoft.EntityFrameworkCore;
using Npgsql;
using Webhooks.PlatformService;

var builder = WebApplication.CreateBuilder(args);
var webhooks = builder.Configuration.GetSection("Webhooks");
builder.Services.AddWebhookDispatcher(webhooks);
builder.Services.AddWebhookObserver<PausedEndpoints>("billing");
builder.Services.AddHealthChecks().AddWebhookDispatcherCheck();

// The platform's own data, in the same database: that is what lets an event and what it tells of commit together.
builder.Services.AddSingleton(_ => NpgsqlDataSource.Create(webhooks["ConnectionString"]!));
builder.Services.AddDbContextFactory<BillingContext>((services, options) => options.UseNpgsql(services.GetRequiredService<NpgsqlDataSource>()));
builder.Services.AddSingleton<Customers>();
builder.Services.AddSingleton<InvoiceIssuer>();
builder.Services.AddSingleton<PaymentCollector>();
builder.Services.AddHostedService<BillingRun>();

var app = builder.Build();
if (args is ["add-customer", var name, var url, ..]) return await app.Services.GetRequiredService<Customers>().AddAsync(name, url);

app.MapWebhookDispatcher();
app.MapHealthChecks("/health");
await app.RunAsync();
return 0;
