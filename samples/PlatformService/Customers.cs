using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.PlatformService;

/// <summary>The platform's customers: an application each, with an endpoint.</summary>
internal sealed class Customers(NpgsqlDataSource database, IWebhookDispatcherAdministration dispatcher, IWebhookApplications applications, IWebhookEndpoints endpoints)
{
    public async Task CreateTablesAsync(CancellationToken cancel)
    {
        // Two processes that start at the same time would both find that a table is missing.
        await using var connection = await database.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using var command = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('billing'));" + BillingContext.Tables, connection, transaction);
        await command.ExecuteNonQueryAsync(cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>Adds a customer and says what they need to know: their endpoint's id, and its secret, which is shown only here.</summary>
    public async Task<int> AddAsync(string name, string url)
    {
        await dispatcher.MigrateAsync();
        await CreateTablesAsync(CancellationToken.None);
        try
        {
            var application = await applications.CreateAsync(name);
            var endpoint = await endpoints.CreateAsync(application, new EndpointSettings(url) { EventTypes = ["invoice.*"] });
            await using var command = database.CreateCommand("INSERT INTO billing.customer (application, name) VALUES ($1, $2)");
            command.Parameters.AddRange(new NpgsqlParameter[] { new() { Value = application.Value }, new() { Value = name } });
            await command.ExecuteNonQueryAsync();
            Console.WriteLine($"{endpoint.Id} {endpoint.Secret.Reveal()}");
            return 0;
        }
        catch (WebhookValidationException refused)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return 2;
        }
    }

    public async Task<IReadOnlyList<WebhookApplicationId>> ListAsync(CancellationToken cancel)
    {
        await using var command = database.CreateCommand("SELECT application FROM billing.customer");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var found = new List<WebhookApplicationId>();
        while (await reader.ReadAsync(cancel)) found.Add(WebhookApplicationId.Parse(reader.GetString(0)));
        return found;
    }
}
