using System.Globalization;
using System.Security.Cryptography;
using Webhooks.Dispatcher;

namespace Webhooks.Server;

/// <summary>What is done once, beside any process that serves. What it says goes to standard error; standard output is for what was asked for.</summary>
internal static class Chore
{
    public static async Task MigrateAsync(GivenSettings given, CancellationToken cancel)
    {
        await using var app = Build(given);
        var applied = await app.Services.GetRequiredService<IWebhookDispatcherAdministration>().MigrateAsync(cancel);
        await Console.Error.WriteLineAsync(applied == 0
            ? "The schema is up to date."
            : string.Create(CultureInfo.InvariantCulture, $"The schema is up to date: {applied} migrations were applied."));
    }

    public static async Task CreateKeyAsync(GivenSettings given, ApiKeySettings settings, CancellationToken cancel)
    {
        await using var app = Build(given);
        var created = await app.Services.GetRequiredService<IWebhookApiKeys>().CreateAsync(settings, cancel);
        await Console.Error.WriteLineAsync($"{created.Id} ({settings.Name}) may {string.Join(", ", settings.Scopes)}. The key is shown only here:");
        await Console.Out.WriteLineAsync(created.Key);
    }

    private static WebApplication Build(GivenSettings given)
    {
        var builder = ServerSettings.CreateBuilder(given);
        // Neither needs the master key, and whoever runs them need not have it. Nothing is encrypted with the one that stands in for it.
        const string masterKey = $"{ServerSettings.Section}:{nameof(WebhookDispatcherOptions.MasterKey)}";
        if (string.IsNullOrEmpty(builder.Configuration[masterKey])) builder.Configuration[masterKey] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddWebhookDispatcher(builder.Configuration.GetSection(ServerSettings.Section));
        ServerSettings.Check(builder.Configuration);
        return builder.Build();
    }
}
