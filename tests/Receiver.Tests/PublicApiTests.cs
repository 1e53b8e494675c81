using Webhooks.Tests.Shared;

namespace Webhooks.Receiver.Tests;

/// <summary>What callers build on changes only on purpose.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void PublicApi_OfTheReceiver_IsAsApproved() => PublicApi.AssertApproved(typeof(IWebhookInbox).Assembly);

    [Fact]
    public void PublicApi_OfTheSqliteInbox_IsAsApproved() =>
        PublicApi.AssertApproved(typeof(SqliteInboxOptions).Assembly, "PublicApi.Sqlite.approved.txt");

    [Fact]
    public void PublicApi_OfThePostgreSqlInbox_IsAsApproved() =>
        PublicApi.AssertApproved(typeof(PostgreSqlInboxOptions).Assembly, "PublicApi.PostgreSql.approved.txt");
}
