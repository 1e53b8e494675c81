namespace Webhooks.Fuzz;

/// <summary>What the inputs came to.</summary>
internal sealed class FuzzTally
{
    /// <summary>How many broken promises are shown; the others are counted.</summary>
    private const int Shown = 5;

    private readonly Dictionary<(string Sender, InputKind Kind, int Status), long> _answers = [];
    private readonly List<string> _broken = [];

    public long Inputs { get; private set; }

    public long BrokenCount { get; private set; }

    public IReadOnlyList<string> BrokenShown => _broken;

    /// <summary>The answers by sender, kind and status.</summary>
    public IReadOnlyDictionary<(string Sender, InputKind Kind, int Status), long> Answers => _answers;

    public long Taken => _answers.Where(one => one.Key.Status < 300).Sum(one => one.Value);

    public void Add(string sender, InputKind kind, int status)
    {
        Inputs++;
        _answers[(sender, kind, status)] = _answers.GetValueOrDefault((sender, kind, status)) + 1;
    }

    public void Broken(string what)
    {
        BrokenCount++;
        if (_broken.Count < Shown) _broken.Add(what);
    }
}
