using Hangfire.Common;
using Hangfire.States;
using Hangfire.Storage;

namespace Webhooks.Dispatcher.Hangfire.Jobs;

/// <summary>
/// Has finished jobs forgotten soon: what became of an event stands in the dispatcher's tables, and there is at least one job for each time that an endpoint gets busy.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class ShortLivedAttribute : JobFilterAttribute, IApplyStateFilter
{
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    // After the filters of the application, which may set it for all jobs.
    public ShortLivedAttribute() => Order = int.MaxValue;

    public void OnStateApplied(ApplyStateContext context, IWriteOnlyTransaction transaction) => context.JobExpirationTimeout = Kept;

    public void OnStateUnapplied(ApplyStateContext context, IWriteOnlyTransaction transaction)
    {
        // Nothing was done that has to be undone.
    }
}
