using System.Globalization;
using Npgsql;

namespace Webhooks.Testing.Tests;

internal static class Sql
{
    public static Task ExecuteAsync(string connectionString, string sql) => ScalarAsync(connectionString, sql);

    public static async Task<string> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) ?? "";
    }
}
