using Webhooks.Dispatcher.Retention;

namespace Webhooks.Dispatcher.Tests.Retention;

public class PruneTests
{
    [Fact]
    public async Task Maintenance_ForgetsCountsAnswersAndAuditRowsThatAreOld_AndNoOthers()
    {
        await using var platform = await Platform.StartAsync(options => options.Retention.KeepAudit = TimeSpan.FromDays(10), worker: false);
        await platform.ExecuteAsync(
            """
            INSERT INTO webhooks.api_rate SELECT 1, now() - d, 1 FROM unnest(ARRAY['6 minutes', '1 minute']::interval[]) d;
            INSERT INTO webhooks.api_quota SELECT 1, (now() AT TIME ZONE 'UTC')::date - d, 1 FROM unnest(ARRAY[3, 0]) d;
            INSERT INTO webhooks.api_answer SELECT 1, 0, 0, d::text, sha256(''), 200, '', now() - d FROM unnest(ARRAY['25 hours', '23 hours']::interval[]) d;
            INSERT INTO webhooks.audit (organization, api_key, action, target, request_id, at)
            SELECT 1, 'key', 'done', d::text, 'req', now() - d FROM unnest(ARRAY['11 days', '9 days']::interval[]) d;
            """);
        Assert.False((await platform.Get<Maintenance>().RunOnceAsync(null, default)).Elsewhere);
        foreach (var table in new[] { "api_rate", "api_quota", "api_answer", "audit" })
            Assert.Equal(1, await platform.ScalarAsync<long>($"SELECT count(*) FROM webhooks.{table}"));
        Assert.Equal("9 days", await platform.ScalarAsync<string>("SELECT target FROM webhooks.audit"));
    }
}
