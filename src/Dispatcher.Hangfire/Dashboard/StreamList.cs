using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Hangfire.Dashboard;

/// <summary>A stream as the page shows it.</summary>
internal sealed record StreamLine(
    long Key, string Endpoint, string Application, string Url, string Status, string? Reason, string? Evidence,
    long Head, long Cursor, int Failures, string Work, DateTimeOffset? DueAt);

/// <summary>Reads the streams for the dashboard, and does what is asked there.</summary>
internal sealed class StreamList(WebhookDatabase database, IWebhookEndpoints endpoints)
{
    public const int PageSize = 50;

    /// <summary>A page of streams, the newest endpoints first.</summary>
    /// <param name="pausedOnly">Only those that are paused.</param>
    /// <param name="before">Older than this key.</param>
    public List<StreamLine> Read(bool pausedOnly, long before)
    {
        var lines = new List<StreamLine>();
        using var command = database.Command("Hosting/Jobs/list_streams", pausedOnly ? "paused" : null, before, PageSize);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            lines.Add(new StreamLine(
                reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.IsDBNull(5) ? null : reader.GetString(5),
                reader.IsDBNull(6) ? null : reader.GetString(6), reader.GetInt64(7), reader.GetInt64(8), reader.GetInt32(9), reader.GetString(10),
                reader.IsDBNull(11) ? null : reader.GetFieldValue<DateTimeOffset>(11)));
        }

        return lines;
    }

    /// <summary>Pauses or resumes; false when there is no such endpoint.</summary>
    public async Task<bool> ActAsync(string endpoint, bool pause)
    {
        if (!WebhookEndpointId.TryParse(endpoint, out var id)) return false;
        try
        {
            await (pause ? endpoints.PauseAsync(id) : endpoints.ResumeAsync(id));
            return true;
        }
        catch (Exception exception) when (exception is WebhookNotFoundException or WebhookValidationException)
        {
            return false;
        }
    }
}
