using System.Text.Json;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>
/// Makes rules of a JSON Schema (2020-12). Whatever it does not know it refuses, and names: a keyword that is passed over would be a promise that nobody keeps.
/// References lead within the schema only, also to itself.
/// </summary>
internal sealed class SchemaCompiler
{
    public const string Dialect = "https://json-schema.org/draft/2020-12/schema";
    private const int MaxPatterns = 100;

    // How many schemas may apply to the same value, each by the one before: more than that would not be followed anyway.
    private const int MaxChain = 100;

    private readonly JsonElement _root;
    private readonly string _prefix;
    private readonly Dictionary<string, SchemaNode> _nodes = [];
    private readonly Dictionary<string, Regex> _patterns = [];
    private readonly Queue<(SchemaPart From, Action<SchemaNode> Take, string Target)> _references = new();
    private readonly Dictionary<string, List<string>> _problems = [];

    private SchemaCompiler(JsonElement root, string prefix) => (_root, _prefix) = (root, prefix);

    /// <summary>Compiles a schema.</summary>
    /// <param name="schema">The schema; it must live as long as what comes of it.</param>
    /// <param name="prefix">Where it stands, for what is said of it.</param>
    /// <param name="problems">What is wrong with it, by JSON Pointer.</param>
    public static SchemaNode Compile(JsonElement schema, string prefix, out IReadOnlyDictionary<string, string[]> problems)
    {
        var compiler = new SchemaCompiler(schema, prefix);
        var node = compiler.Compile(schema, "");
        while (compiler._references.TryDequeue(out var reference)) compiler.Refer(reference.From, reference.Take, reference.Target);
        if (compiler._problems.Count == 0) compiler.CheckRings();
        problems = compiler._problems.ToDictionary(pair => pair.Key, pair => pair.Value.ToArray());
        return node;
    }

    public void Wrong(string pointer, string problem)
    {
        if (!_problems.TryGetValue(_prefix + pointer, out var some)) _problems.Add(_prefix + pointer, some = []);
        if (!some.Contains(problem)) some.Add(problem);
    }

    /// <exception cref="FormatException">It cannot be used.</exception>
    public Regex Pattern(string pattern)
    {
        if (_patterns.TryGetValue(pattern, out var known)) return known;
        if (_patterns.Count == MaxPatterns) throw new FormatException($"is one of more than {MaxPatterns}");
        return _patterns[pattern] = SchemaPattern.Compile(pattern);
    }

    /// <summary>The schema at a place; compiled once, whoever leads to it.</summary>
    public SchemaNode Compile(JsonElement schema, string pointer)
    {
        if (_nodes.TryGetValue(pointer, out var known)) return known;
        var node = _nodes[pointer] = new SchemaNode();
        switch (schema.ValueKind)
        {
            case JsonValueKind.True: break;
            case JsonValueKind.False: node.Add(static (_, run, path) => run.Problem(path, "Must not be there.")); break;
            case JsonValueKind.Object:
                var part = new SchemaPart(this, schema, pointer, node);
                foreach (var member in schema.EnumerateObject()) Add(part, node, member.Name, member.Value);
                break;
            default: Wrong(pointer, "Must be a schema: an object, true or false."); break;
        }

        return node;
    }

    private void Add(SchemaPart part, SchemaNode node, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "title" or "description" or "default" or "examples" or "deprecated" or "readOnly" or "writeOnly" or "$comment": return;
            case "$schema":
                if (part.Pointer.Length > 0 || value.ValueKind != JsonValueKind.String || value.GetString()!.TrimEnd('#') != Dialect)
                    part.Wrong(keyword, $"must be {Dialect}, and at the top");
                return;
            case "$id":
                if (part.Pointer.Length > 0 || value.ValueKind != JsonValueKind.String)
                    part.Wrong(keyword, "must be text, and at the top: schemas within have no ids of their own here");
                return;
            case "$defs" or "definitions":
                if (!part.IsObject(keyword, value)) return;
                foreach (var member in value.EnumerateObject()) part.Schema($"{keyword}/{SchemaPath.Escape(member.Name)}", member.Value);
                return;
            case "$ref":
                if (value.ValueKind == JsonValueKind.String) Reference(part, node, value.GetString()!);
                else part.Wrong(keyword, "must be text");
                return;
            default:
                if (!ValueKeywords.Add(part, keyword, value) && !ObjectKeywords.Add(part, keyword, value)
                    && !ArrayKeywords.Add(part, keyword, value) && !CombiningKeywords.Add(part, keyword, value))
                    Wrong($"{part.Pointer}/{SchemaPath.Escape(keyword)}", $"The keyword {keyword} is not known here; nothing would be checked by it.");
                return;
        }
    }

    private void Reference(SchemaPart part, SchemaNode node, string target)
    {
        SchemaNode? led = null;
        part.Rule((it, run, path) => led!.Fits(it, run, path));
        // Later, and not on the way: references may lead on and on.
        _references.Enqueue((part, found =>
        {
            led = found;
            node.Applies(found);
        }, target));
    }

    private void Refer(SchemaPart from, Action<SchemaNode> take, string target)
    {
        if (target.Length > 0 && target[0] != '#')
        {
            from.Wrong("$ref", $"must lead within the schema (#/…); {target} does not, and nothing is fetched");
            return;
        }

        var pointer = target.Length == 0 ? "" : Uri.UnescapeDataString(target[1..]);
        var found = _root;
        foreach (var part in pointer.Split('/').Skip(1).Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)))
        {
            if (found.ValueKind == JsonValueKind.Object && found.TryGetProperty(part, out var member)) found = member;
            else if (found.ValueKind == JsonValueKind.Array && int.TryParse(part, out var index) && index >= 0 && index < found.GetArrayLength()) found = found[index];
            else pointer = "?";
        }

        if (pointer.Length == 0 || pointer[0] == '/') take(Compile(found, pointer));
        else from.Wrong("$ref", $"must lead to a schema by a JSON Pointer; {target} leads nowhere");
    }

    /// <summary>A schema that leads back to itself about the same value would be followed for ever.</summary>
    private void CheckRings()
    {
        var (under, done) = (new HashSet<SchemaNode>(), new Dictionary<SchemaNode, int>());
        foreach (var (pointer, node) in _nodes)
        {
            if (Depth(node) <= MaxChain) continue;
            Wrong(pointer, "It leads back to itself about the same value, or through too many schemas; it would be followed without end.");
            return;
        }

        int Depth(SchemaNode node)
        {
            if (done.TryGetValue(node, out var known)) return known;
            if (under.Count > MaxChain || !under.Add(node)) return MaxChain + 1;
            var deepest = 0;
            foreach (var other in node.InPlace) deepest = Math.Max(deepest, Depth(other));
            under.Remove(node);
            return done[node] = Math.Min(deepest + 1, MaxChain + 1);
        }
    }
}
