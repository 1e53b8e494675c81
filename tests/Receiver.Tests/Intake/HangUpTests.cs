using System.Net.Sockets;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Receiver.Tests;

/// <summary>A sender that hangs up does not take back what it sent: it will send it again, and find it there.</summary>
public sealed class HangUpTests
{
    [Fact]
    public async Task SenderHangsUp_WhileItsEventIsStored_TheEventIsStored()
    {
        var gate = new TaskCompletionSource();
        var entered = new TaskCompletionSource<CancellationToken>();
        await using var app = await TestApp.StartAsync(memory: true, handlers: builder => builder.UseInbox(_ =>
        {
            var inbox = DispatchProxy.Create<IWebhookInbox, SlowStore>();
            ((SlowStore)(object)inbox).Set(new MemoryInbox(), gate.Task, entered);
            return inbox;
        }));
        var one = Sent.Event(1);
        using (var signed = TestApp.Request(one.Id, one.Body))
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            var head = new StringBuilder($"POST /hooks/acme HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {one.Body.Length}\r\n");
            foreach (var (name, values) in signed.Headers) head.Append(name).Append(": ").Append(values.Single()).Append("\r\n");
            await socket.ConnectAsync(app.Address.Host, app.Address.Port);
            await socket.SendAsync((byte[])[.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. one.Body]);
            var token = await entered.Task.WaitAsync(Wait.Limit);
            Assert.False(token.CanBeCanceled);
            // A reset, not a polite end.
            socket.LingerState = new LingerOption(true, 0);
        }

        gate.SetResult();
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Counts.Received == 1);
        Assert.Equal(204, await app.DeliverAsync(1));
        Assert.Equal(1, (await app.Status.GetAsync(TestApp.Source)).Counts.Duplicates);
    }

    /// <summary>Holds storing up until the gate opens.</summary>
    public class SlowStore : DispatchProxy
    {
        private IWebhookInbox _inbox = null!;
        private Task _gate = null!;
        private TaskCompletionSource<CancellationToken> _entered = null!;
        private Action? _asked;

        public void Set(IWebhookInbox inbox, Task gate, TaskCompletionSource<CancellationToken> entered, Action? asked = null) =>
            (_inbox, _gate, _entered, _asked) = (inbox, gate, entered, asked);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name != nameof(IWebhookInbox.StoreAsync)) return targetMethod.Invoke(_inbox, args);
            _asked?.Invoke();
            _entered.TrySetResult((CancellationToken)args![^1]!);
            return StoreAsync(args);
        }

        private async Task<IReadOnlyList<StoreOutcome>> StoreAsync(object?[] args)
        {
            await _gate;
            return await _inbox.StoreAsync((string)args[0]!, (IReadOnlyList<InboxEvent>)args[1]!, (StoreRules)args[2]!, default);
        }
    }
}
