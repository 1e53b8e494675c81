using System.Data.Common;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Webhooks.Receiver.Tests;

/// <summary>What an attempt of a handler has for itself.</summary>
public sealed class AttemptTests
{
    [Fact]
    public async Task Retry_HasAScopeOfItsOwn_AndNoTransactionIsOpenWhileItWaits()
    {
        var attempts = new List<(Scoped Scoped, DbTransaction Transaction)>();
        await using var app = await TestApp.StartAsync(
            options => (options.HandlerRetryMin, options.HandlerRetryMax) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)),
            builder => builder.HandleFallback((_, context, _) =>
            {
                attempts.Add((context.Services.GetRequiredService<Scoped>(), context.Transaction));
                return attempts.Count == 1 ? throw new InvalidOperationException("broken") : Task.CompletedTask;
            }),
            services: services => services.AddScoped<Scoped>());
        Assert.Equal(204, await app.DeliverAsync(1));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Streams is [{ Hold: { RetryAt: not null } }]);
        var first = Assert.Single(attempts);
        Assert.True(first.Scoped.IsDisposed);
        Assert.Null(first.Transaction.Connection);

        await app.Status.UnblockAsync(TestApp.Source);
        await app.UntilProcessedAsync(1);
        Assert.NotSame(first.Scoped, attempts[1].Scoped);
        Assert.NotSame(first.Transaction, attempts[1].Transaction);
    }

    /// <summary>A handler's message may hold what a customer sent, and PostgreSQL stores neither U+0000 nor half of a surrogate pair.</summary>
    [Theory]
    [InlineData("nul \0 here")]
    [InlineData("half \ud83d of one")]
    [InlineData(null)]
    public async Task Failure_WhoseMessageIsNoText_IsRecordedAndTheEventParked(string? message)
    {
        var (database, schema, attempts) = (await TestDatabase.ConnectionStringAsync(), TestDatabase.NewSchema(), 0);
        await using var app = await TestApp.StartAsync(
            options =>
            {
                (options.HandlerRetryMin, options.HandlerRetryMax) = (TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));
                (options.HandlerMaxAttempts, options.OnHandlerExhausted) = (2, ExhaustedPolicy.Park);
            },
            builder => builder.UsePostgreSqlInbox(options => (options.ConnectionString, options.Schema) = (database, schema)).HandleFallback((_, _, _) =>
            {
                attempts++;
                // An emoji where the text is cut.
                throw new InvalidOperationException(message ?? new string('x', 472) + "\ud83d\ude00\ud83d\ude00\ud83d\ude00");
            }));
        Assert.Equal(204, await app.DeliverAsync(1));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Counts.Parked == 1);
        Assert.Equal(2, attempts);
        Assert.Empty((await app.Status.GetAsync(TestApp.Source)).Troubles);
    }

    /// <summary>A transaction that cannot be begun calls no handler: nothing fails, and nothing goes on.</summary>
    [Fact]
    public async Task Processing_ThatCannotBegin_IsNotHealthy_UntilItCan()
    {
        var inbox = DispatchProxy.Create<IWebhookInbox, NoTransactions>();
        ((NoTransactions)(object)inbox).IsBroken = true;
        await using var app = await TestApp.StartAsync(memory: true, handlers: builder => builder.UseInbox(_ => inbox).HandleFallback((_, _, _) => Task.CompletedTask));
        Assert.Equal(204, await app.DeliverAsync(1));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Troubles is [var one] && one.Contains("the handlers' database is locked"));
        var health = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        ((NoTransactions)(object)inbox).IsBroken = false;
        await app.UntilProcessedAsync(1);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Troubles is []);
    }

    public class NoTransactions : DispatchProxy
    {
        private readonly MemoryInbox _inbox = new();

        public bool IsBroken { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => IsBroken && targetMethod!.Name == nameof(IWebhookInbox.BeginAsync)
            ? throw new InboxUnavailableException("the handlers' database is locked")
            : targetMethod!.Invoke(_inbox, args);
    }

    private sealed class Scoped : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
