using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Webhooks.Receiver;

/// <summary>
/// What nodes tell each other, so that nobody has to poll often: LISTEN on a connection of its own, NOTIFY after a commit and never in it, because the server
/// lets commits that carry one through one after the other. Lost news cost time only.
/// </summary>
internal sealed partial class News(InboxDatabase database, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>Something was stored for the source whose name follows.</summary>
    public const string Stored = "stored:";

    /// <summary>The lease of the source whose name follows is free.</summary>
    public const string Freed = "freed:";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toTell = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task? _listening;
    private Task? _telling;

    /// <summary>Begins to listen, once.</summary>
    public void Listen()
    {
        lock (_gate) _listening ??= Task.Run(ListenAsync, CancellationToken.None);
    }

    /// <summary>Ends with the next news of a kind.</summary>
    public Task NextAsync(string news) =>
        _waiting.GetOrAdd(news, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Tells, some time soon; what is told twice before it is sent is sent once.</summary>
    public void Tell(string news)
    {
        lock (_gate)
        {
            _toTell.Add(news);
            _telling ??= Task.Run(TellAsync, CancellationToken.None);
        }
    }

    public async Task TellNowAsync(params string[] news)
    {
        var connection = await database.OpenAsync(_closing.Token).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var command = new NpgsqlCommand("SELECT pg_notify($1, one) FROM unnest($2) AS one", connection) { Parameters = { new() { Value = database.Channel }, new() { Value = news } } };
        await using var __ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(_closing.Token).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_listening ?? Task.CompletedTask, _telling ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private async Task TellAsync()
    {
        while (true)
        {
            string[] news;
            lock (_gate)
            {
                news = [.. _toTell];
                _toTell.Clear();
                if (news.Length == 0)
                {
                    _telling = null;
                    return;
                }
            }

            try
            {
                await TellNowAsync(news).ConfigureAwait(false);
            }
            // They poll.
            catch (Exception e)
            {
                LogTrouble(e);
            }
        }
    }

    private async Task ListenAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                var connection = await database.OpenForNewsAsync(_closing.Token).ConfigureAwait(false);
                await using var _ = connection.ConfigureAwait(false);
                connection.Notification += (_, told) => Heard(told.Payload);
                var command = new NpgsqlCommand($"LISTEN \"{database.Channel}\"", connection);
                await using (command.ConfigureAwait(false)) await command.ExecuteNonQueryAsync(_closing.Token).ConfigureAwait(false);
                // What was told while nobody listened.
                foreach (var news in _waiting.Keys) Heard(news);
                while (true) await connection.WaitAsync(_closing.Token).ConfigureAwait(false);
            }
            catch (Exception) when (_closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogTrouble(e);
                await Task.Delay(Pause, time, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Heard(string news)
    {
        if (_waiting.TryRemove(news, out var waiting)) waiting.TrySetResult();
    }

    [LoggerMessage(720, LogLevel.Warning, "The nodes of a webhook inbox cannot tell each other news now; they find out a little later")]
    private partial void LogTrouble(Exception exception);
}
