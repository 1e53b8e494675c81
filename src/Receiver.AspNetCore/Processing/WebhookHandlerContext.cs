using System.Data.Common;

namespace Webhooks.Receiver;

/// <summary>What a handler is given beside the event.</summary>
public sealed class WebhookHandlerContext
{
    private readonly DbConnection? _connection;
    private readonly DbTransaction? _transaction;

    internal WebhookHandlerContext(IServiceProvider services, int attempt, DbConnection? connection, DbTransaction? transaction)
    {
        Services = services;
        Attempt = attempt;
        _connection = connection;
        _transaction = transaction;
    }

    /// <summary>The services of this attempt's own scope.</summary>
    public IServiceProvider Services { get; }

    /// <summary>Which attempt at this event this is, from 1.</summary>
    public int Attempt { get; }

    /// <summary>Whether there is a transaction; the in-memory inbox has none.</summary>
    public bool HasTransaction => _transaction is not null;

    /// <summary>The connection of <see cref="Transaction"/>; a <c>SqliteConnection</c> with the SQLite inbox.</summary>
    /// <exception cref="InvalidOperationException">The inbox has no transactions.</exception>
    public DbConnection Connection => _connection ?? throw None();

    /// <summary>
    /// The transaction into which the mark "processed" is written. What the handler writes through it takes effect exactly once.
    /// The receiver commits it after the handler, or rolls it back; a handler must do neither.
    /// </summary>
    /// <exception cref="InvalidOperationException">The inbox has no transactions.</exception>
    public DbTransaction Transaction => _transaction ?? throw None();

    private static InvalidOperationException None() =>
        new("The in-memory inbox has no transaction. Use an inbox with a database, or check HasTransaction.");
}
