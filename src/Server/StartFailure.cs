using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher;

namespace Webhooks.Server;

/// <summary>Why a command cannot be done, in lines for whoever typed it, and whether to try again helps.</summary>
/// <param name="Lines">What is wrong, one thing each.</param>
/// <param name="ExitCode">2 when something has to be changed first, 1 when the same may work later.</param>
internal sealed record StartFailure(IReadOnlyList<string> Lines, int ExitCode)
{
    public const int BadSettings = 2;
    public const int Trouble = 1;
    private const string Database = $"{ServerSettings.Section}:{nameof(WebhookDispatcherOptions.ConnectionString)}";

    /// <summary>Null for what nobody foresaw: that needs its stack trace.</summary>
    public static StartFailure? Of(Exception exception) => exception switch
    {
        BadSettingsException bad => new(bad.Problems, BadSettings),
        OptionsValidationException refused => new([.. refused.Failures.Select(failure => $"{ServerSettings.Section}:{failure}")], BadSettings),
        WebhookSettingsException { InnerException: PostgresException { SqlState: var state } } when IsSchemaMissing(state) => NotMigrated,
        WebhookSettingsException refused => new(
            [$"{ServerSettings.Section}:{refused.Message}"], refused.InnerException is NpgsqlException { IsTransient: true } ? Trouble : BadSettings),
        WebhookValidationException refused => new([.. refused.Errors.Select(error => $"{error.Key}: {string.Join(' ', error.Value)}")], BadSettings),
        WebhookNotFoundException missing => new([missing.Message], BadSettings),
        PostgresException { SqlState: var state } when IsSchemaMissing(state) => NotMigrated,
        NpgsqlException trouble => new([$"{Database} names a database that cannot be used: {trouble.Message}"], trouble.IsTransient ? Trouble : BadSettings),
        // What Kestrel says names the address.
        IOException { InnerException: AddressInUseException or SocketException } taken => new([$"Urls: {taken.Message}"], BadSettings),
        SocketException refused => new([$"Urls: {refused.Message}"], BadSettings),
        _ => null,
    };

    private static StartFailure NotMigrated => new(
        [$"{Database} names a database whose schema is not there or not up to date: run webhooks-server migrate, or set {ServerSettings.Section}:{nameof(WebhookDispatcherOptions.MigrateAtStart)}."],
        BadSettings);

    private static bool IsSchemaMissing(string state) =>
        state is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName;
}

/// <summary>Settings that cannot be used.</summary>
/// <param name="problems">What is wrong, beginning with the setting's name.</param>
internal sealed class BadSettingsException(IReadOnlyList<string> problems) : Exception(string.Join(' ', problems))
{
    public IReadOnlyList<string> Problems => problems;
}
