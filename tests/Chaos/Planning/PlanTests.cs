using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Chaos.Planning;

/// <summary>The plan is the seed's alone, and has in it what the run has to show.</summary>
public class PlanTests
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(500);

    [Fact]
    public void Make_SameSettings_SamePlan() => Check(settings =>
        ChaosPlan.Make(settings).Deeds.SequenceEqual(ChaosPlan.Make(settings with { }).Deeds));

    [Fact]
    public void Make_OtherSeed_OtherPlan() => Check(settings =>
        !ChaosPlan.Make(settings).Deeds.SequenceEqual(ChaosPlan.Make(settings with { Seed = settings.Seed + 1 }).Deeds));

    [Fact]
    public void Make_AnySettings_EveryDeedIsWithinTimeAndOfSomebodyWhoIsThere() => Check(settings =>
    {
        var plan = ChaosPlan.Make(settings);
        return plan.Deeds.All(deed => deed.At >= TimeSpan.Zero && deed.At < settings.Duration && deed.Amount > 0 && deed.Whom >= 0 && deed.Whom < (deed.Role switch
        {
            Role.Dispatcher => settings.Dispatchers,
            Role.Receiver => settings.Receivers,
            Role.Publisher => settings.Publishers,
            _ => plan.Slots,
        }));
    });

    [Fact]
    public void Make_AnySettings_SuspensionsOutlastTheLease() => Check(settings =>
        ChaosPlan.Make(settings).Deeds.Where(deed => deed.Kind == DeedKind.Suspend)
            .All(deed => deed.For > ChaosSettings.Lease && deed.For <= ChaosSettings.Lease * 3));

    [Fact]
    public void Make_AnySettings_CreatesEachLaterEndpointOnce() => Check(settings =>
    {
        var plan = ChaosPlan.Make(settings);
        return plan.Deeds.Where(deed => deed.Kind == DeedKind.CreateEndpoint).Select(deed => deed.Whom).Order()
            .SequenceEqual(Enumerable.Range(settings.Endpoints, plan.Slots - settings.Endpoints));
    });

    [Fact]
    public void Make_TenMinutes_HasFiftyKillsFiveRestartsTwentySuspensionsAndEveryKindOfDeedAndFault() => Check(settings =>
    {
        var plan = ChaosPlan.Make(settings with { Duration = TimeSpan.FromMinutes(10) });
        return plan.Count(DeedKind.Kill) >= 50 && plan.Count(DeedKind.RestartDatabase) >= 5 && plan.Count(DeedKind.Suspend) >= 20
            && Enum.GetValues<DeedKind>().All(kind => plan.Count(kind) > 0)
            && Enum.GetValues<Fault>().All(fault => plan.Deeds.Any(deed => deed.Fault == fault))
            && Enum.GetValues<Role>().All(role => plan.Deeds.Any(deed => deed.Kind == DeedKind.Kill && deed.Role == role));
    });

    [Fact]
    public void Make_OneMinute_HasAtLeastOneOfEachKind() => Check(settings =>
    {
        var plan = ChaosPlan.Make(settings with { Duration = TimeSpan.FromMinutes(1) });
        return Enum.GetValues<DeedKind>().All(kind => plan.Count(kind) > 0);
    });

    private static void Check(Func<ChaosSettings, bool> holds) => Prop.ForAll(
        (from seconds in Gen.Choose(5, 1200)
         from dispatchers in Gen.Choose(1, 5)
         from receivers in Gen.Choose(1, 4)
         from seed in Gen.Choose(0, int.MaxValue - 1)
         select new ChaosSettings(TimeSpan.FromSeconds(seconds), dispatchers, receivers, seed)).ToArbitrary(), holds).Check(Many);
}
