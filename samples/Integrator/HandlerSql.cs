using System.Data.Common;
using Webhooks.Receiver;

namespace Webhooks.Integrator;

/// <summary>Plain SQL in the transaction that a handler is given, the same for SQLite and PostgreSQL.</summary>
internal static class HandlerSql
{
    public static async Task<int> ExecuteAsync(
        this WebhookHandlerContext context, string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var command = context.Connection.CreateCommand();
        (command.Transaction, command.CommandText) = (context.Transaction, sql);
        foreach (var (name, value) in parameters) command.Add(name, value);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void Add(this DbCommand command, string name, object? value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value ?? DBNull.Value);
        command.Parameters.Add(parameter);
    }
}
