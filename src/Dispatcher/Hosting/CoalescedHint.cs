namespace Webhooks.Dispatcher.Hosting;

/// <summary>
/// A hint of which one is under way at a time, and one more after it for all that was asked meanwhile: commits with NOTIFY queue behind each other in the
/// whole database.
/// </summary>
/// <param name="send">Sends what was asked for, its bits put together. Does not throw.</param>
internal sealed class CoalescedHint(Func<int, Task> send)
{
    private int _asked;
    private int _sending;

    public void Send(int bits)
    {
        Interlocked.Or(ref _asked, bits);
        if (Interlocked.CompareExchange(ref _sending, 1, 0) == 0) _ = SendWhileAskedAsync();
    }

    private async Task SendWhileAskedAsync()
    {
        do
        {
            try
            {
                while (Interlocked.Exchange(ref _asked, 0) is not 0 and var bits) await send(bits);
            }
            finally
            {
                // Even if it throws: a hint may be lost, but not all that follow.
                Volatile.Write(ref _sending, 0);
            }
        }
        while (Volatile.Read(ref _asked) != 0 && Interlocked.CompareExchange(ref _sending, 1, 0) == 0);
    }
}
