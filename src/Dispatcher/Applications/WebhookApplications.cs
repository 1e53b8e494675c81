using System.Text;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Applications;

internal sealed class WebhookApplications(WebhookDatabase database) : IWebhookApplications
{
    public const int Buckets = 16;

    public async Task<ApplicationId> CreateAsync(string name, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > 200 || !EventRules.CanBeStored(name))
            throw new WebhookValidationException("name", $"Must have 1 to 200 characters, no NUL and no half of a surrogate pair; it has {name?.Length ?? 0} characters.");
        var id = ApplicationId.New();
        await using var command = database.Command("Applications/create", id.Value, Bucket(id), name);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return id;
    }

    /// <summary>FNV-1a: the same in every process and version, as what is stored under a bucket must be found there again.</summary>
    public static short Bucket(ApplicationId id)
    {
        var hash = 2166136261u;
        foreach (var b in Encoding.ASCII.GetBytes(id.Value)) hash = (hash ^ b) * 16777619u;
        return (short)((hash ^ (hash >> 16)) % Buckets);
    }
}
