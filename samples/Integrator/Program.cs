using Webhooks.Integrator;

var builder = WebApplication.CreateBuilder(args);
var shop = ShopDatabase.From(builder.Configuration);
var isObserved = builder.Configuration.GetValue<bool>("Observer");
builder.Services.AddSingleton(shop);

var platform = builder.Services.AddWebhookReceiver("platform", builder.Configuration.GetSection("Webhooks:platform"))
    .AddHandler<InvoiceCreated, InvoiceCreatedHandler>("invoice.created", ShopJson.Default.InvoiceCreated)
    .AddHandler<InvoicePaid, InvoicePaidHandler>("invoice.paid", ShopJson.Default.InvoicePaid);
shop.KeepInbox(platform);
if (isObserved) platform.ObserveSuite();
builder.Services.AddHealthChecks().AddWebhookReceiverCheck();

var app = builder.Build();
await shop.CreateTablesAsync(isObserved);
app.MapWebhookReceiver("/hooks", "platform");
app.MapHealthChecks("/health");
app.MapGet("/status", Pages.StatusAsync);
app.MapGet("/", Pages.InvoicesAsync);
if (isObserved) app.MapObserver("/observed", shop);
await app.StartAsync();
// Whoever starts it as a process of its own waits for the line.
Console.WriteLine($"ready {app.Urls.First()}");
await app.WaitForShutdownAsync();
