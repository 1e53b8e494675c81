using System.Text.Json;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>A JSON Schema that data is held to. Made once, used from any thread.</summary>
internal sealed class EventSchema
{
    public const int MaxBytes = 64 * 1024;

    // Deeper data is delivered as any other, but is not held to a schema; nor is data in which a name stands twice, which readers understand each in their own way.
    private static readonly JsonDocumentOptions Unambiguous = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private const long LeastSteps = 1_000_000;
    private const int StepsForByte = 2;

    private readonly SchemaNode _node;

    private EventSchema(SchemaNode node) => _node = node;

    /// <summary>Makes one of a text.</summary>
    /// <param name="schema">The schema as JSON.</param>
    /// <param name="prefix">Where it stands, for what is said of it.</param>
    /// <exception cref="WebhookValidationException">Something in it is wrong or not known; every keyword that is, is named.</exception>
    public static EventSchema Compile(string schema, string prefix)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(schema) > MaxBytes) throw new WebhookValidationException(prefix, $"Must have at most {MaxBytes} bytes.");
        try
        {
            using var document = JsonDocument.Parse(schema, Unambiguous);
            var node = SchemaCompiler.Compile(document.RootElement.Clone(), prefix, out var problems);
            return problems.Count == 0 ? new EventSchema(node) : throw new WebhookValidationException(problems);
        }
        catch (JsonException exception)
        {
            throw new WebhookValidationException(
                prefix, $"Must be JSON of at most 64 levels with each name once in an object; line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1} is not.");
        }
        catch (InvalidOperationException)
        {
            throw new WebhookValidationException(prefix, "Has half of a surrogate pair in it.");
        }
    }

    /// <summary>What is wrong with data, by JSON Pointer; null when nothing is. None of it repeats a value.</summary>
    /// <param name="data">JSON.</param>
    /// <param name="prefix">Where the data stands.</param>
    public IReadOnlyDictionary<string, string[]>? Problems(ReadOnlyMemory<byte> data, string prefix)
    {
        try
        {
            using var document = JsonDocument.Parse(data, Unambiguous);
            var steps = LeastSteps + ((long)data.Length * StepsForByte);
            if (_node.Fits(document.RootElement, new SchemaRun(steps), null)) return null;
            var run = new SchemaRun(steps * 2);
            _node.Fits(document.RootElement, run, SchemaPath.Root);
            return run.Problems.GroupBy(problem => prefix + problem.Pointer)
                .ToDictionary(group => group.Key, group => group.Select(problem => problem.Message).Distinct().ToArray());
        }
        catch (SchemaRunException exception)
        {
            return One(exception.Message);
        }
        catch (JsonException)
        {
            return One("Its type has a schema: it must have at most 64 levels, and each name once in an object.");
        }
        catch (InvalidOperationException)
        {
            return One("Its type has a schema: it must have no half of a surrogate pair.");
        }

        Dictionary<string, string[]> One(string message) => new() { [prefix] = [message] };
    }
}
