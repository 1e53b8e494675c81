using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.PlatformService;

/// <summary>Keeps a list of the endpoints that are not sent to, for whoever looks after customers. An event may be told again, so what it writes may be written again.</summary>
internal sealed class PausedEndpoints(NpgsqlDataSource database, ILogger<PausedEndpoints> logger) : IWebhookObserver
{
    public async Task ObserveAsync(WebhookOperationalEvent operationalEvent, CancellationToken cancellationToken)
    {
        switch (operationalEvent)
        {
            case { Type: "endpoint.paused", Endpoint: { } endpoint }:
                logger.LogWarning("Endpoint {Endpoint} of {Application} is paused: {Details}", endpoint, operationalEvent.Application, operationalEvent.Details);
                await ExecuteAsync(
                    "INSERT INTO billing.paused_endpoint (endpoint, number, at, details) VALUES ($1, $2, $3, $4::jsonb) ON CONFLICT (endpoint) DO UPDATE SET number = $2, at = $3, details = $4::jsonb",
                    endpoint.Value, operationalEvent.Number, operationalEvent.At, operationalEvent.Details);
                break;
            case { Type: "endpoint.resumed" or "endpoint.deleted", Endpoint: { } endpoint }:
                await ExecuteAsync("DELETE FROM billing.paused_endpoint WHERE endpoint = $1", endpoint.Value);
                break;
        }

        async Task ExecuteAsync(string sql, params object[] values)
        {
            await using var command = database.CreateCommand(sql);
            foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
