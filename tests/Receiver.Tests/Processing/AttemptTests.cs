using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;

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

    private sealed class Scoped : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
