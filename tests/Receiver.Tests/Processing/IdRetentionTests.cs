using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>How long an event without a number is known again: as long as IdRetention says, though its body goes after Retention.</summary>
public sealed class IdRetentionTests
{
    private readonly ConcurrentQueue<string> _handled = new();

    [Fact]
    public async Task ForeignEvent_SentAgain_IsADuplicateUntilIdRetentionIsOver_AndThenNew()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var app = await TestApp.StartAsync(
            options => (options.Retention, options.IdRetention) = (TimeSpan.FromDays(7), TimeSpan.FromDays(90)),
            builder => builder.HandleFallback((one, _, _) =>
            {
                _handled.Enqueue(one.Id);
                return Task.CompletedTask;
            }),
            services: services => services.AddSingleton<TimeProvider>(clock));
        await SendAsync(app, clock);
        Assert.Single(_handled);

        clock.Advance(TimeSpan.FromDays(8));
        await Wait.UntilAsync(() => Task.FromResult(Count(app.InboxPath, "unnumbered") == 0));
        Assert.Equal(1, Marks(app));
        await SendAsync(app, clock);
        Assert.Single(_handled);

        clock.Advance(TimeSpan.FromDays(83));
        await Wait.UntilAsync(() => Task.FromResult(Count(app.InboxPath, "unnumbered") + Marks(app) == 0));
        await SendAsync(app, clock);
        Assert.Equal(["msg_1", "msg_1"], _handled);
        Assert.Equal(2, (await app.Status.GetAsync(TestApp.Source)).Counts.Processed);
    }

    private static async Task SendAsync(TestApp app, TimeProvider clock)
    {
        using var response = await app.SendAsync(TestApp.Request("msg_1", """{"type":"user.created","data":{}}"""u8.ToArray(), at: clock.GetUtcNow()));
        Assert.Equal(204, (int)response.StatusCode);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).UnnumberedWaiting == 0);
    }

    private static long Marks(TestApp app) => Count(Path.Combine(app.Folder, "inbox.processed.db"), "webhook_processed");

    private static long Count(string path, string table)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table}";
        return (long)command.ExecuteScalar()!;
    }
}
