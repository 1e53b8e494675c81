using System.Text.Json;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>One assertion of a schema. It says what is wrong only where a path is given; without one the answer alone is wanted, and nothing is allocated.</summary>
internal delegate bool SchemaRule(JsonElement value, SchemaRun run, SchemaPath? path);

/// <summary>A compiled schema or part of one: all of its rules must hold.</summary>
internal sealed class SchemaNode
{
    private readonly List<SchemaRule> _rules = [];
    private readonly List<SchemaNode> _inPlace = [];

    /// <summary>The schemas that are applied to the same value: a ring of them would never end.</summary>
    public IReadOnlyList<SchemaNode> InPlace => _inPlace;

    public void Add(SchemaRule rule) => _rules.Add(rule);

    public void Applies(SchemaNode other) => _inPlace.Add(other);

    public bool Fits(JsonElement value, SchemaRun run, SchemaPath? path)
    {
        run.Enter();
        var fits = true;
        foreach (var rule in _rules)
        {
            if (rule(value, run, path)) continue;
            fits = false;
            if (path is null) break;
        }

        run.Leave();
        return fits;
    }
}

/// <summary>Where in the data something is.</summary>
internal sealed class SchemaPath(SchemaPath? parent, string part)
{
    private const int MaxLength = 300;

    public static SchemaPath Root { get; } = new(null, "");

    public SchemaPath Child(string name) => new(this, name);

    public SchemaPath Child(int index) => new(this, index.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>A JSON Pointer (RFC 6901); cut where it is very long.</summary>
    public override string ToString()
    {
        var parts = new Stack<string>();
        for (var (at, up) = (this, parent); up is not null; (at, up) = (up, up.Up)) parts.Push(at.Part);
        var pointer = string.Concat(parts.Select(one => "/" + Escape(one)));
        return pointer.Length <= MaxLength ? pointer : pointer[..MaxLength] + "…";
    }

    public static string Escape(string part) => part.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private SchemaPath? Up => parent;

    private string Part => part;
}

/// <summary>
/// One check of one value: how deep it is, how much it may still do, and what was found. Schemas come from outside, and some of them take for ever on some data.
/// </summary>
internal sealed class SchemaRun(long steps)
{
    public const int MaxDepth = 256;
    public const int MaxProblems = 20;

    private readonly List<(string Pointer, string Message)> _problems = [];
    private long _left = steps;
    private int _depth;

    public IReadOnlyList<(string Pointer, string Message)> Problems => _problems;

    /// <exception cref="SchemaRunException">It goes too deep, or takes too long.</exception>
    public void Enter()
    {
        if (++_depth > MaxDepth) throw new SchemaRunException("The schema leads deeper than it is followed.");
        Spend(1);
    }

    public void Leave() => _depth--;

    /// <exception cref="SchemaRunException">It takes too long.</exception>
    public void Spend(long some)
    {
        if ((_left -= some) < 0) throw new SchemaRunException("Checking it by the schema of its type takes too long.");
    }

    /// <summary>Something is wrong.</summary>
    public bool Problem(SchemaPath? path, string message)
    {
        if (path is not null && _problems.Count < MaxProblems) _problems.Add((path.ToString(), message));
        return false;
    }
}

/// <summary>A check was given up; what was checked counts as refused.</summary>
internal sealed class SchemaRunException(string message) : Exception(message);
