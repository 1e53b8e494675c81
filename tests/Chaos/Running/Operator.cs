using Npgsql;
using Webhooks.Chaos.Judging;
using Webhooks.Dispatcher;
using Webhooks.Signing;

namespace Webhooks.Chaos.Running;

/// <summary>Somebody who changes endpoints while everything falls apart, and calls again when the database did not answer.</summary>
internal sealed class Operator(Stage stage)
{
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public Task CreateAsync(Slot slot) => AloneAsync(slot, async () =>
    {
        slot.Changes++;
        var asked = DateTime.UtcNow;
        await PersistAsync(async () =>
        {
            // It may have been created by a call whose answer was lost: then it is there under the slot's name.
            slot.Id = await FindAsync(slot) ?? (await stage.Endpoints.CreateAsync(slot.Application, slot.Settings)).Id;
        });
        slot.Matched.Add(new Matched(slot.Pattern, asked, DateTime.UtcNow));
        await stage.ConfigureAsync(slot.Receiver);
    });

    public Task UpdateAsync(Slot slot) => IfThereAsync(slot, async id =>
    {
        slot.Changes++;
        var pattern = EventTypes.Patterns[(slot.Number + slot.Changes) % EventTypes.Patterns.Count];
        var asked = DateTime.UtcNow;
        await PersistAsync(() => stage.Endpoints.UpdateAsync(id, slot.Settings with { EventTypes = [pattern] }));
        slot.Matched.Add(new Matched(pattern, asked, DateTime.UtcNow));
    });

    public Task DeleteAsync(Slot slot) => IfThereAsync(slot, async id =>
    {
        var asked = DateTime.UtcNow;
        await PersistAsync(() => stage.Endpoints.DeleteAsync(id));
        slot.Matched.Add(new Matched(null, asked, DateTime.UtcNow));
    });

    public Task PauseAsync(Slot slot, TimeSpan time) => IfThereAsync(slot, async id =>
    {
        await PersistAsync(() => stage.Endpoints.PauseAsync(id));
        await Task.Delay(time);
        await PersistAsync(() => stage.Endpoints.ResumeAsync(id));
    });

    public Task ResumeAsync(Slot slot) => IfThereAsync(slot, id => PersistAsync(() => stage.Endpoints.ResumeAsync(id)));

    /// <summary>Has numbers sent again, or passes some over: then the receiver takes them from the feed.</summary>
    public Task MoveAsync(Slot slot, int by) => IfThereAsync(slot, id => PersistAsync(async () =>
    {
        var stream = await stage.Endpoints.GetStreamAsync(id);
        await stage.Endpoints.ResumeAsync(id, Math.Clamp(stream.Cursor + by, stream.Floor - 1, stream.Head));
    }));

    public Task RotateAsync(Slot slot, TimeSpan overlap) => IfThereAsync(slot, async id =>
    {
        var secret = WebhookSecret.Generate();
        slot.Secrets.Insert(0, secret);
        await stage.ConfigureAsync(slot.Receiver);
        await PersistAsync(async () =>
        {
            try
            {
                await stage.Endpoints.RotateSecretAsync(id, overlap, secret);
            }
            catch (WebhookValidationException)
            {
                // Three are live already, perhaps this one among them, by a call whose answer was lost.
            }
        });
    });

    /// <summary>Calls again while the database does not answer. What is called must bear being done twice.</summary>
    public static async Task PersistAsync(Func<Task> call)
    {
        var until = DateTime.UtcNow + Patience;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await call();
                return;
            }
            // Class 42 is a mistake in the statement: no call again mends that.
            catch (Exception exception) when (exception is NpgsqlException and not PostgresException { SqlState: ['4', '2', ..] } or TimeoutException && DateTime.UtcNow < until)
            {
                await Task.Delay(Again);
            }
            // Deleted by a call whose answer was lost.
            catch (WebhookNotFoundException) when (attempt > 1)
            {
                return;
            }
        }
    }

    private async Task<WebhookEndpointId?> FindAsync(Slot slot)
    {
        await using var command = stage.Data.CreateCommand("SELECT id FROM webhooks.endpoint WHERE description = $1");
        command.Parameters.Add(new() { Value = slot.Source });
        return await command.ExecuteScalarAsync() is string id ? WebhookEndpointId.Parse(id) : null;
    }

    private static Task IfThereAsync(Slot slot, Func<WebhookEndpointId, Task> action) =>
        AloneAsync(slot, () => slot.IsThere ? action(slot.Id!.Value) : Task.CompletedTask);

    private static async Task AloneAsync(Slot slot, Func<Task> action)
    {
        await slot.Gate.WaitAsync();
        try
        {
            await action();
        }
        finally
        {
            slot.Gate.Release();
        }
    }
}
