using Hangfire;
using Hangfire.States;

namespace Webhooks.Dispatcher.Hangfire;

/// <summary>How a Hangfire server runs the dispatcher.</summary>
public sealed class WebhookHangfireOptions
{
    /// <summary>
    /// The queue that the jobs are put into; a Hangfire server of each process that delivers must take it. Default <c>webhooks</c>. Hangfire.PostgreSql takes queues in the
    /// order of their names.
    /// </summary>
    public string Queue { get; set; } = "webhooks";

    /// <summary>
    /// Where the jobs are kept. Default null: Hangfire's storage of this application, in whichever database that is. With another one, give the same to <c>AddHangfireServer</c>.
    /// </summary>
    public JobStorage? Storage { get; set; }

    /// <summary>
    /// For how long one job may send to one endpoint before it hands it back and another job is made, 100 ms to 5 min. Default 2 s: so long do endpoints wait for each other
    /// when more are busy
    /// than there are workers.
    /// </summary>
    public TimeSpan DrainBudget { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A job that has not taken its endpoint so long after it should have begun is believed lost, and another one is made, 1 s to 1 h. Default 30 s.
    /// </summary>
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>When the recurring job looks for endpoints whose jobs were lost, as a cron expression. Default every minute.</summary>
    public string SweepCron { get; set; } = "* * * * *";

    /// <summary>When the recurring job makes and drops partitions and gives notice before events expire, as a cron expression. Default every minute.</summary>
    public string MaintenanceCron { get; set; } = "* * * * *";

    /// <summary>Whether Hangfire's dashboard gets a page with the streams, where they can be paused and resumed. Default true.</summary>
    public bool DashboardPage { get; set; } = true;

    internal IEnumerable<string> Problems()
    {
        if (!EnqueuedStateIsName(Queue)) yield return "Queue must consist of lower-case letters, digits, underscores and dashes.";
        if (DrainBudget < TimeSpan.FromMilliseconds(100) || DrainBudget > TimeSpan.FromMinutes(5))
            yield return $"DrainBudget must lie between 100 ms and 5 min; it is {DrainBudget}.";
        if (LostAfter < TimeSpan.FromSeconds(1) || LostAfter > TimeSpan.FromHours(1)) yield return $"LostAfter must lie between 1 s and 1 h; it is {LostAfter}.";
        if (string.IsNullOrWhiteSpace(SweepCron)) yield return "SweepCron must be a cron expression.";
        if (string.IsNullOrWhiteSpace(MaintenanceCron)) yield return "MaintenanceCron must be a cron expression.";
    }

    private static bool EnqueuedStateIsName(string queue)
    {
        try
        {
            _ = new EnqueuedState(queue);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
