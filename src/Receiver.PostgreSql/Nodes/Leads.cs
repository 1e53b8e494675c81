using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Webhooks.Receiver;

/// <summary>
/// The sources that this node leads: takes leases, renews them all with one statement, and knows when one may be lost. What it knows decides nothing by
/// itself; a commit compares the lease's epoch in the database.
/// </summary>
internal sealed partial class Leads : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lead> _held = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _everLed = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();
    private readonly Guid _node = Guid.NewGuid();
    private readonly InboxDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger<Leads> _logger;
    private readonly News _news;
    private readonly Lock _gate = new();
    private Task? _renewing;

    public Leads(InboxDatabase database, TimeProvider time, ILogger<Leads> logger)
    {
        (_database, _time, _logger) = (database, time, logger);
        _news = new News(database, time, logger);
    }

    private TimeSpan Interval => _database.Lease / 3;

    /// <summary>The lease epoch that this node leads a source with, as far as it knows.</summary>
    public long? EpochOf(string source) => _held.TryGetValue(source, out var lead) ? lead.Epoch : null;

    /// <summary>Waits for the lease: for word that it is free, or for the time at which it may have run out.</summary>
    public async Task<IInboxLead> LeadAsync(string source, Func<CancellationToken, Task> ready, CancellationToken cancellationToken)
    {
        _news.Listen();
        while (true)
        {
            await ready(cancellationToken).ConfigureAwait(false);
            var freed = _news.NextAsync(News.Freed + source);
            if (await TryLeadAsync(source, cancellationToken).ConfigureAwait(false) is { } lead) return lead;
            await WaitAsync(freed, Interval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes the lease if nobody has it.</summary>
    public async Task<IInboxLead?> TryLeadAsync(string source, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        if (await TakeAsync(source, cancellationToken).ConfigureAwait(false) is not { } epoch) return null;
        var lead = new Lead(this, source, epoch, began);
        _held[source] = lead;
        _everLed[source] = true;
        lock (_gate) _renewing ??= Task.Run(RenewLoopAsync, CancellationToken.None);
        LogLeads(source, epoch);
        return lead;
    }

    /// <summary>Whether what this node has found out while it led may still be written. A node that never led acts for somebody else.</summary>
    public async Task<bool> StillLeadsAsync(string source, CancellationToken cancellationToken)
    {
        if (EpochOf(source) is not { } epoch) return !_everLed.ContainsKey(source);
        return (await RenewAsync([source], cancellationToken).ConfigureAwait(false)).Contains((source, epoch));
    }

    /// <summary>Ends a lead whose lease another node has.</summary>
    public void Lose(string source, long? epoch)
    {
        if (_held.TryGetValue(source, out var lead) && lead.Epoch == epoch) Lose(lead);
    }

    /// <summary>Tells the node that leads a source that there is something new, unless it is this one.</summary>
    public void Wake(string source)
    {
        if (!_held.ContainsKey(source)) _news.Tell(News.Stored + source);
    }

    /// <summary>Ends when another node has told of something new.</summary>
    public Task WaitForNewsAsync(string source, CancellationToken cancellationToken)
    {
        _news.Listen();
        return _news.NextAsync(News.Stored + source).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await (_renewing ?? Task.CompletedTask).ConfigureAwait(false);
        await _news.DisposeAsync().ConfigureAwait(false);
        foreach (var lead in _held.Values) Lose(lead);
    }

    private async Task RenewLoopAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(Interval, _time, _closing.Token).ConfigureAwait(false);
                await RenewOnceAsync(_closing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                return;
            }
            // The database may be away for a moment; a lead ends when it has been for as long as the lease.
            catch (Exception e)
            {
                LogTrouble(e);
                foreach (var lead in _held.Values.Where(lead => _time.GetElapsedTime(lead.RenewedAt) >= _database.Lease)) Lose(lead);
            }
        }
    }

    /// <summary>Renews all leases with one statement; what is not renewed is lost.</summary>
    public async Task RenewOnceAsync(CancellationToken cancellationToken)
    {
        var held = _held.Values.ToList();
        if (held.Count == 0) return;
        var began = _time.GetTimestamp();
        var renewed = await RenewAsync([.. held.Select(lead => lead.Source)], cancellationToken).ConfigureAwait(false);
        foreach (var lead in held)
        {
            if (renewed.Contains((lead.Source, lead.Epoch))) lead.RenewedAt = began;
            else Lose(lead);
        }
    }

    private async Task ReleaseAsync(Lead lead)
    {
        Lose(lead, quietly: true);
        try
        {
            if (await RunAsync(_database.Step("Nodes/release", lead.Source, _node, lead.Epoch), CancellationToken.None).ConfigureAwait(false) == 1)
                await _news.TellNowAsync(News.Freed + lead.Source).ConfigureAwait(false);
        }
        // It runs out by itself.
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException)
        {
            LogTrouble(e);
        }
    }

    private void Lose(Lead lead, bool quietly = false)
    {
        // Cancelled before it is forgotten: see BeginAsync of the inbox.
        if (!lead.Cancel()) return;
        _held.TryRemove(KeyValuePair.Create(lead.Source, lead));
        if (!quietly) LogLost(lead.Source, lead.Epoch);
    }

    private async Task<long?> TakeAsync(string source, CancellationToken cancellationToken)
    {
        var taken = await ReadAsync(_database.Step("Nodes/take", source, _node, _database.Lease), row => row.GetInt64(0), cancellationToken).ConfigureAwait(false);
        return taken is [var epoch] ? epoch : null;
    }

    private async Task<HashSet<(string, long)>> RenewAsync(string[] sources, CancellationToken cancellationToken) =>
        [.. await ReadAsync(_database.Step("Nodes/renew", sources, _node, _database.Lease), row => (row.GetString(0), row.GetInt64(1)), cancellationToken).ConfigureAwait(false)];

    private async Task<List<T>> ReadAsync<T>(NpgsqlBatchCommand step, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var connection = await _database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var batch = new NpgsqlBatch(connection) { BatchCommands = { step }, Timeout = (int)Math.Max(1, Interval.TotalSeconds) };
        await using var __ = batch.ConfigureAwait(false);
        var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var ___ = row.ConfigureAwait(false);
        var rows = new List<T>();
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) rows.Add(read(row));
        return rows;
    }

    private async Task<int> RunAsync(NpgsqlBatchCommand step, CancellationToken cancellationToken)
    {
        var connection = await _database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var batch = new NpgsqlBatch(connection) { BatchCommands = { step } };
        await using var __ = batch.ConfigureAwait(false);
        return await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task WaitAsync(Task news, TimeSpan most, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(news, Task.Delay(most, _time, done.Token)).ConfigureAwait(false);
        await done.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    [LoggerMessage(710, LogLevel.Information, "This node processes webhook source {Source}, with lease epoch {Epoch}")]
    private partial void LogLeads(string source, long epoch);

    [LoggerMessage(711, LogLevel.Warning, "This node no longer processes webhook source {Source}: its lease, epoch {Epoch}, was not renewed in time")]
    private partial void LogLost(string source, long epoch);

    [LoggerMessage(712, LogLevel.Warning, "The lease of webhook sources could not be renewed or given back; it is tried again, and runs out otherwise")]
    private partial void LogTrouble(Exception exception);

    private sealed class Lead : IInboxLead
    {
        private readonly CancellationTokenSource _lost = new();
        private readonly Leads _leads;
        private int _isOver;

        public Lead(Leads leads, string source, long epoch, long began) =>
            (_leads, Source, Epoch, RenewedAt, Lost) = (leads, source, epoch, began, _lost.Token);

        public string Source { get; }

        public long Epoch { get; }

        public long RenewedAt { get; set; }

        public CancellationToken Lost { get; }

        /// <summary>False when it was cancelled before.</summary>
        public bool Cancel()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 1) return false;
            _lost.Cancel();
            return true;
        }

        public async ValueTask DisposeAsync()
        {
            await _leads.ReleaseAsync(this).ConfigureAwait(false);
            _lost.Dispose();
        }
    }
}
