using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Webhooks.Receiver;

/// <summary>
/// The one writer of the inbox file. Requests that wait at the same time share a transaction, and so the one flush to disk that a commit costs;
/// each is answered after it. A failed batch fails all its requests, and the next one opens the file anew: that is how it recovers by itself.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private const int MaxBatch = 256;

    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Func<SqliteConnection> _open;
    private readonly Action<SqliteConnection> _beforeCommit;
    private readonly Action _rolledBack;
    private readonly Task _loop;
    private SqliteConnection? _connection;

    /// <param name="open">Opens the file.</param>
    /// <param name="beforeCommit">Writes what belongs to a batch as a whole.</param>
    /// <param name="rolledBack">Called when a batch failed, for whoever keeps in mind what it wrote.</param>
    public SqliteWriter(Func<SqliteConnection> open, Action<SqliteConnection> beforeCommit, Action rolledBack)
    {
        (_open, _beforeCommit, _rolledBack) = (open, beforeCommit, rolledBack);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Differs from what it was when another connection has written to the file. To be read inside a batch only.</summary>
    public (int Opening, long Version) FileVersion { get; private set; }

    /// <summary>Runs in the next batch; the answer comes after its commit.</summary>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, T> work)
    {
        var request = new Request<T>(work);
        if (!_requests.Writer.TryWrite(request)) throw new InboxUnavailableException("The inbox is closed.");
        return await request.Answer.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        _connection?.Dispose();
    }

    private async Task LoopAsync()
    {
        var batch = new List<Request>(MaxBatch);
        while (await _requests.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (batch.Count < MaxBatch && _requests.Reader.TryRead(out var request)) batch.Add(request);
            RunBatch(batch);
            batch.Clear();
        }
    }

    private void RunBatch(List<Request> batch)
    {
        var began = false;
        try
        {
            _connection ??= Open();
            // As text, and not as an object that every prepared command would have to be given anew. Immediate: it keeps all other writers out.
            _connection.RunPrepared("BEGIN IMMEDIATE");
            began = true;
            FileVersion = FileVersion with { Version = _connection.NumberPrepared("PRAGMA data_version") };
            foreach (var request in batch) request.Run(_connection);
            _beforeCommit(_connection);
            _connection.RunPrepared("COMMIT");
        }
        // The requests get whatever it was; the writer itself goes on.
        catch (Exception e)
        {
            _connection?.Dispose();
            _connection = null;
            // Whatever was changed in mind must not stay there either.
            if (began) _rolledBack();
            var failure = new InboxUnavailableException($"The inbox file cannot be written: {e.Message}", e);
            foreach (var request in batch) request.Fail(failure);
            return;
        }

        foreach (var request in batch) request.Complete();
    }

    private SqliteConnection Open()
    {
        var connection = _open();
        // A connection counts only what it has seen itself.
        FileVersion = (FileVersion.Opening + 1, 0);
        return connection;
    }

    private abstract class Request
    {
        public abstract void Run(SqliteConnection connection);

        public abstract void Complete();

        public abstract void Fail(Exception failure);
    }

    private sealed class Request<T>(Func<SqliteConnection, T> work) : Request
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;

        public Task<T> Answer => _done.Task;

        public override void Run(SqliteConnection connection) => _result = work(connection);

        public override void Complete() => _done.SetResult(_result);

        public override void Fail(Exception failure) => _done.SetException(failure);
    }
}
