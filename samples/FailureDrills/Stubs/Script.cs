using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Stubs;

/// <summary>What a stub answers to its requests in the order of their arrival.</summary>
/// <param name="Answers">At least one; each is given <see cref="Answer.Count"/> times.</param>
/// <param name="IsCycle">Whether it begins anew after the last, which else repeats for ever.</param>
internal sealed record Script(IReadOnlyList<Answer> Answers, bool IsCycle)
{
    public static Script Of(params Answer[] answers) => new(answers, IsCycle: false);

    public static Script Cycle(params Answer[] answers) => new(answers, IsCycle: true);

    public string Words => string.Join(", then ", Answers.Select(answer => answer.Words)) + (IsCycle ? ", and so on" : "");

    public Can Needs => Answers.Aggregate(Can.Nothing, (needs, answer) => needs | answer.Needs);

    /// <summary>One for each request, and then the last one for ever, or all of them again.</summary>
    public IReadOnlyList<Answer> Expanded =>
        [.. Answers.SelectMany((answer, i) => Enumerable.Repeat(answer with { Count = 1 }, IsCycle || i < Answers.Count - 1 ? answer.Count : 1))];

    /// <param name="index">How many requests came before.</param>
    public Answer At(int index) => Expanded is var all && IsCycle ? all[index % all.Count] : all[Math.Min(index, all.Count - 1)];

    public Script Scaled(double scale) => this with { Answers = [.. Answers.Select(answer => answer.Scaled(scale))] };
}
