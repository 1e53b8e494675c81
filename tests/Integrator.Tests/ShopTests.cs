using System.Net;
using Webhooks.Receiver;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Integrator.Tests;

/// <summary>The sample's handlers, tested as an integrator tests their own: the whole application, without a socket.</summary>
public sealed class ShopTests : IAsyncLifetime, IDisposable
{
    private readonly Shop _shop = new();
    private HttpClient _http = null!;

    public Task InitializeAsync()
    {
        _http = _shop.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _shop.DisposeAsync();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Invoice_CreatedAndPaid_IsShownAsPaid()
    {
        Assert.Equal(HttpStatusCode.NoContent, await _shop.Sender.PostAsync("invoice.created", Created("i1")));
        Assert.Equal(HttpStatusCode.NoContent, await _shop.Sender.PostAsync("invoice.paid", Paid("i1")));
        var handled = await _shop.Probe.UntilHandledAsync(2);
        Assert.All(handled, one => Assert.Equal((Settlement.Processed, 1), (one.How, one.Attempts)));
        Assert.Contains("<td>i1<td>Kunde<td>12.50<td>paid", await _http.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_DuplicatedAndReordered_HaveTheirEffectOnceAndInOrder()
    {
        _shop.Sender.Publish("invoice.created", Created("i1"), Created("i2"), Created("i3"));
        _shop.Sender.Publish("invoice.paid", Paid("i3"));
        Assert.All(await _shop.Sender.PostAsync([1, 4, 1, 3, 2, 2, 4]), status => Assert.Equal(HttpStatusCode.NoContent, status));
        await _shop.Probe.UntilHandledAsync(4);
        Assert.Equal([1, 2, 3, 4], _shop.Probe.Seqs);
        Assert.Empty(_shop.Probe.Failures);
    }

    [Fact]
    public async Task Event_ThatNeverCame_IsFetchedFromTheFeed()
    {
        _shop.Sender.Publish("invoice.created", Created("i1"));
        await _shop.Sender.PostAsync("invoice.paid", Paid("i1"));
        await _shop.Probe.UntilHandledAsync(2);
        Assert.Equal([1, 2], _shop.Probe.Seqs);
        Assert.NotEmpty(_shop.Sender.Feed.Reads);
    }

    [Fact]
    public async Task Event_ForgedByAnother_LeavesNothing()
    {
        var forged = new SignedPostOptions { Secrets = [WebhookSecret.Generate()] };
        Assert.Equal(HttpStatusCode.Unauthorized, await _shop.Sender.PostAsync("invoice.created", Created("i1"), forged));
        Assert.Equal(HttpStatusCode.NoContent, await _shop.Sender.PostAsync(1));
        Assert.Equal("i1", JsonOf(Assert.Single(await _shop.Probe.UntilHandledAsync(1))));
    }

    [Fact]
    public async Task Invoice_PaidBeforeItIsCreated_FailsAndHoldsTheStream()
    {
        await _shop.Sender.PostAsync("invoice.paid", Paid("i1"));
        var failure = (await _shop.Probe.UntilFailedAsync())[0];
        Assert.Equal((1, "invoice.paid"), (failure.Attempt, failure.Event.Type));
        Assert.IsType<InvalidOperationException>(failure.Exception);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => _shop.Probe.UntilHandledAsync(1, TimeSpan.Zero));
        Assert.Contains("is paid and was never created", late.Message, StringComparison.Ordinal);
    }

    private static string Created(string invoice) => $$"""{"invoice":"{{invoice}}","customer":"Kunde","amount_cents":1250}""";

    private static string Paid(string invoice) => $$"""{"invoice":"{{invoice}}","paid_at":"2026-11-21T03:00:00Z"}""";

    private static string? JsonOf(HandledEvent one) =>
        System.Text.Json.JsonDocument.Parse(one.Event.Data).RootElement.GetProperty("invoice").GetString();
}
