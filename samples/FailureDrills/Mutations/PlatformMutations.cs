namespace Webhooks.FailureDrills.Mutations;

/// <summary>Safeguards around pauses, the platform's own troubles and the receiver's.</summary>
internal static class PlatformMutations
{
    private const string Resume = "src/Dispatcher/Delivery/ResumePlan.cs", Round = "src/Dispatcher/Nodes/NodeRound.cs",
        Runner = "src/Receiver.AspNetCore/Processing/HandlerRunner.cs";

    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("lone-probe", "the first delivery after a receiver's resume decides alone", "src/Dispatcher/Delivery/StreamState.cs",
            "counts && (Probing || next", "counts && ((Probing && !$OFF) || next"),
        new("resume-backoff", "a receiver that asks again and again is told to wait", Resume, ": row.ReceiverResumeFrom > row.Now", ": !$OFF && row.ReceiverResumeFrom > row.Now"),
        new("operators-pause", "an operator's pause is the operator's to end", Resume,
            ": row.Status.PauseReason == PauseReason.Manual", ": !$OFF && row.Status.PauseReason == PauseReason.Manual"),
        new("pause-stops-sending", "a pause returns when no new send can begin", "src/Dispatcher/Delivery/StreamControl.cs",
            "if (isNew) metrics.Paused(PauseReason.Manual);", "if (isNew) metrics.Paused(PauseReason.Manual);\n            if ($OFF) return;"),
        new("deleted-has-no-feed", "a deleted endpoint's feed is closed", "src/Dispatcher/Feed/FeedRequests.cs",
            "if (row.Status.Status == EndpointStatus.Deleted)", "if (!$OFF && row.Status.Status == EndpointStatus.Deleted)"),
        new("takeover", "what a dead dispatcher had is taken over", Round, "if (renewal.Nodes.Any(other =>", "if (!$OFF && renewal.Nodes.Any(other =>"),
        new("lease-fence", "who has lost an endpoint writes nothing about it", "src/Dispatcher/Delivery/fail.sql",
            "lease_owner = $2 AND lease_epoch = $3 AND version = $4 AND status", "$2::uuid IS NOT NULL AND $3::bigint IS NOT NULL AND $4::bigint IS NOT NULL AND status"),
        new("database-clock", "the database's clock is signed", "src/Dispatcher/Sending/DatabaseClock.cs",
            "Now => time.GetUtcNow() + Offset", "Now => time.GetUtcNow() + ($OFF ? TimeSpan.Zero : Offset)"),
        new("egress-suspect", "when most fail at once the dispatcher suspects itself", "src/Dispatcher/Sending/EgressWatch.cs",
            "if (!result.IsConnectionFailure) return decision;", "if ($OFF || !result.IsConnectionFailure) return decision;"),
        new("left-behind", "what was leased when the database went is found again", Round,
            "if (pumps.MayHaveLeftBehind || time.GetElapsedTime(_orphansSought) >= OrphansEvery)",
            "if (!$OFF && (pumps.MayHaveLeftBehind || time.GetElapsedTime(_orphansSought) >= OrphansEvery))"),
        new("migrated-by-one", "one process migrates at a time", "src/Dispatcher/Database/Migrator.cs",
            "await Execute(\"SELECT pg_advisory_xact_lock($1, hashtext($2))\"", "if (!$OFF) await Execute(\"SELECT pg_advisory_xact_lock($1, hashtext($2))\""),
        new("durable-before-2xx", "2xx only when the event is stored", "src/Receiver.AspNetCore/Intake/WebhookIntake.cs",
            "return IntakeOutcome.Unavailable;", "return $OFF ? IntakeOutcome.Of(StoreOutcome.Stored) : IntakeOutcome.Unavailable;"),
        new("handler-called-again", "a handler that failed is called again", Runner, "failure = timer.IsCancellationRequested ?",
            "failure = $OFF ? null : timer.IsCancellationRequested ?"),
        new("overdue-handler-told", "health names a handler that hangs", Runner, "source.Overdue[stored.Key] =", "if (!$OFF) source.Overdue[stored.Key] ="),
        new("effect-with-mark", "effect and mark are one transaction", Runner, "await call(envelope",
            """
            if ($OFF)
            {
                using var own = transaction.Connection!.CreateCommand();
                (own.Transaction, own.CommandText) = (transaction.Transaction, "COMMIT");
                own.ExecuteNonQuery();
            }

            await call(envelope
            """),
    ];
}
