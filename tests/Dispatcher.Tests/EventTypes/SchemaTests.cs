using System.Text;
using Webhooks.Dispatcher.EventTypes.Schemas;

namespace Webhooks.Dispatcher.Tests.EventTypes;

/// <summary>JSON Schema 2020-12, as far as it is known here; whatever is not is refused.</summary>
public class SchemaTests
{
    [Theory]
    [InlineData("true", "1", "")]
    [InlineData("false", "1", "/data")]
    [InlineData("{}", """{"a":[1,null]}""", "")]
    [InlineData("""{"type":"integer"}""", "1.0", "")]
    [InlineData("""{"type":"integer"}""", "1e2", "")]
    [InlineData("""{"type":"integer"}""", "1.5", "/data")]
    [InlineData("""{"type":["string","null"]}""", "null", "")]
    [InlineData("""{"type":["string","null"]}""", "false", "/data")]
    [InlineData("""{"enum":[1,"a",{"b":[2]}]}""", """{"b":[2.0]}""", "")]
    [InlineData("""{"enum":[1,"a"]}""", "\"b\"", "/data")]
    [InlineData("""{"const":{"a":1,"b":2}}""", """{"b":2,"a":1}""", "")]
    [InlineData("""{"const":0}""", "false", "/data")]
    [InlineData("""{"multipleOf":0.01}""", "19.99", "")]
    [InlineData("""{"multipleOf":0.1}""", "0.35", "/data")]
    [InlineData("""{"minimum":9007199254740993}""", "9007199254740992", "/data")]
    [InlineData("""{"exclusiveMaximum":1e2}""", "100", "/data")]
    [InlineData("""{"maximum":-1}""", "-1.0", "")]
    [InlineData("""{"maxLength":2}""", "\"\\ud83d\\ude00\\ud83d\\ude00\"", "")]
    [InlineData("""{"minLength":2}""", "\"\\ud83d\\ude00\"", "/data")]
    [InlineData("""{"pattern":"^\\d{2}$"}""", "\"12\"", "")]
    [InlineData("""{"pattern":"^\\d{2}$"}""", "\"12\\n\"", "/data")]
    [InlineData("""{"pattern":"^\\d$"}""", "\"\u0663\"", "/data")]
    [InlineData("""{"pattern":"^[\\w-]+$"}""", "\"a-b_c\"", "")]
    [InlineData("""{"format":"date-time"}""", "\"2026-11-21T03:00:00Z\"", "")]
    [InlineData("""{"format":"date-time"}""", "\"2026-02-30T03:00:00Z\"", "/data")]
    [InlineData("""{"format":"date-time"}""", "\"2026-12-31T23:59:60Z\"", "")]
    [InlineData("""{"format":"date-time"}""", "\"2026-12-31T22:59:60Z\"", "/data")]
    [InlineData("""{"format":"uuid"}""", "\"019cd24d-3e4b-7c0d-8a51-f0e2b3c4d5e6\\n\"", "/data")]
    [InlineData("""{"format":"email"}""", "\"ada@example.com\"", "")]
    [InlineData("""{"format":"email"}""", "\"ada@example..com\"", "/data")]
    [InlineData("""{"format":"uri"}""", "\"https://example.com/a?b#c\"", "")]
    [InlineData("""{"format":"uri"}""", "\"/a\"", "/data")]
    [InlineData("""{"format":"ipv4"}""", "\"10.0.0.01\"", "/data")]
    [InlineData("""{"required":["a","b"]}""", """{"a":1}""", "/data/b")]
    [InlineData("""{"properties":{"a/b":{"properties":{"c~d":{"type":"string"}}}}}""", """{"a/b":{"c~d":1}}""", "/data/a~1b/c~0d")]
    [InlineData("""{"properties":{"a":true},"additionalProperties":false}""", """{"a":1,"b":2,"c":3}""", "/data/b /data/c")]
    [InlineData("""{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":{"type":"integer"}}""", """{"x-a":1,"b":"c","d":1,"x-e":""}""", "/data/b /data/x-a")]
    [InlineData("""{"propertyNames":{"maxLength":1}}""", """{"a":1,"bc":2}""", "/data/bc")]
    [InlineData("""{"dependentRequired":{"a":["b"]}}""", """{"a":1}""", "/data/b")]
    [InlineData("""{"dependentSchemas":{"a":{"required":["c"]}}}""", """{"a":1}""", "/data/c")]
    [InlineData("""{"minProperties":1,"maxProperties":1}""", """{"a":1,"b":1}""", "/data")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}""", """["a",1,"b"]""", "/data/2")]
    [InlineData("""{"prefixItems":[true,{"type":"string"}],"items":false}""", """[1,2,3]""", "/data/1 /data/2")]
    [InlineData("""{"contains":{"const":1},"minContains":2,"maxContains":2}""", "[1,2,1]", "")]
    [InlineData("""{"contains":{"const":1},"maxContains":1}""", "[1,1]", "/data")]
    [InlineData("""{"contains":{"const":1},"minContains":0}""", "[]", "")]
    [InlineData("""{"uniqueItems":true}""", """[{"a":1,"b":[2]},{"b":[2.0],"a":1e0}]""", "/data")]
    [InlineData("""{"uniqueItems":true}""", """[1,"1",true,[1],{"a":1},null]""", "")]
    [InlineData("""{"minItems":1,"maxItems":1}""", "[]", "/data")]
    [InlineData("""{"allOf":[{"required":["a"]},{"required":["b"]}]}""", "{}", "/data/a /data/b")]
    [InlineData("""{"anyOf":[{"type":"string"},{"minimum":5}]}""", "4", "/data")]
    [InlineData("""{"oneOf":[{"minimum":1},{"minimum":5}]}""", "6", "/data")]
    [InlineData("""{"not":{"type":"string"}}""", "\"a\"", "/data")]
    [InlineData("""{"if":{"properties":{"k":{"const":"a"}}},"then":{"required":["x"]},"else":{"required":["y"]}}""", """{"k":"b"}""", "/data/y")]
    [InlineData("""{"$ref":"#/$defs/tree","$defs":{"tree":{"properties":{"v":{"type":"integer"},"kids":{"items":{"$ref":"#/$defs/tree"}}}}}}""", """{"v":1,"kids":[{"v":2,"kids":[{"v":"x"}]}]}""", "/data/kids/0/kids/0/v")]
    [InlineData("""{"properties":{"next":{"$ref":"#"}},"required":["v"]}""", """{"v":1,"next":{"v":1,"next":{}}}""", "/data/next/next/v")]
    [InlineData("""{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/a","title":"t","description":"d","default":1,"examples":[1],"$comment":"c","deprecated":true}""", "1", "")]
    public void Data_FitsOrIsToldWhereItDoesNot(string schema, string data, string wrong) =>
        Assert.Equal(wrong, string.Join(' ', (Problems(EventSchema.Compile(schema, "/schema"), data)?.Keys ?? []).Order(StringComparer.Ordinal)));

    [Theory]
    [InlineData("""{"unevaluatedProperties":false}""", "/schema/unevaluatedProperties", "unevaluatedProperties")]
    [InlineData("""{"properties":{"a":{"nulable":true}}}""", "/schema/properties/a/nulable", "nulable")]
    [InlineData("""{"$defs":{"a":{"x-b/c":1}}}""", "/schema/$defs/a/x-b~1c", "x-b/c")]
    [InlineData("""{"$ref":"https://example.com/schema.json"}""", "/schema/$ref", "https://example.com/schema.json")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "/schema/$ref", "#/$defs/none")]
    [InlineData("""{"$ref":"#anchor"}""", "/schema/$ref", "#anchor")]
    [InlineData("""{"$schema":"http://json-schema.org/draft-07/schema#"}""", "/schema/$schema", "2020-12")]
    [InlineData("""{"type":"text"}""", "/schema/type", "type")]
    [InlineData("""{"format":"int32"}""", "/schema/format", "format")]
    [InlineData("""{"pattern":"(?=a)"}""", "/schema/pattern", "look ahead")]
    [InlineData("""{"pattern":"(a)\\1"}""", "/schema/pattern", "\\1")]
    [InlineData("""{"pattern":"[a"}""", "/schema/pattern", "no pattern")]
    [InlineData("""{"pattern":"((a{100}){100}){100}"}""", "/schema/pattern", "repeats too much")]
    [InlineData("""{"pattern":"^[+-\\d]$"}""", "/schema/pattern", "range")]
    [InlineData("""{"patternProperties":{"\\A":true}}""", "/schema/patternProperties/\\A", "\\A")]
    [InlineData("""{"items":[true]}""", "/schema/items", "prefixItems")]
    [InlineData("""{"minLength":-1}""", "/schema/minLength", "minLength")]
    [InlineData("""{"required":"a"}""", "/schema/required", "required")]
    [InlineData("""{"allOf":[]}""", "/schema/allOf", "allOf")]
    [InlineData("""{"properties":{"a":1}}""", "/schema/properties/a", "schema")]
    [InlineData("""{"$ref":"#"}""", "/schema", "without end")]
    [InlineData("""{"anyOf":[{"not":{"$ref":"#/$defs/a"}}],"$defs":{"a":{"if":{"$ref":"#/anyOf/0"}}}}""", "/schema", "without end")]
    [InlineData("1", "/schema", "schema")]
    [InlineData("{", "/schema", "JSON")]
    [InlineData("""{"type":"string","type":"null"}""", "/schema", "once")]
    [InlineData("""{"title":1,"pattern":"\ud800"}""", "/schema", "surrogate")]
    public void Schema_ThatIsNotKnownOrSound_IsRefusedByName(string schema, string place, string named)
    {
        var refused = Assert.Throws<WebhookValidationException>(() => EventSchema.Compile(schema, "/schema"));
        Assert.True(refused.Errors.Keys.Any(key => key.StartsWith(place, StringComparison.Ordinal)), refused.Message);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Schema_WithManyFaults_TellsThemAllAtOnce()
    {
        var refused = Assert.Throws<WebhookValidationException>(() => EventSchema.Compile("""{"a":1,"items":{"b":1,"type":"x"},"$ref":"other"}""", "/schema"));
        Assert.Equal(["/schema/$ref", "/schema/a", "/schema/items/b", "/schema/items/type"], refused.Errors.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>What would take for ever, or the stack with it, ends as a refusal.</summary>
    [Theory]
    [InlineData("branches")]
    [InlineData("deep data")]
    [InlineData("long digits")]
    [InlineData("many alike")]
    [InlineData("backtracking")]
    [InlineData("half a pair")]
    [InlineData("a name twice")]
    public void Check_OfHostileSchemasAndData_EndsAndRefuses(string what)
    {
        var (schema, data) = what switch
        {
            "branches" => (Branches(40), "1"),
            "deep data" => ("""{"items":{"$ref":"#"}}""", new string('[', 100_000) + new string(']', 100_000)),
            "long digits" => ("""{"minimum":0}""", new string('9', 400_000)),
            "many alike" => ("""{"uniqueItems":true}""", $"[{string.Join(',', Enumerable.Range(0, 20_000).Select(i => new string('9', 300) + i))}]"),
            "backtracking" => ("""{"pattern":"^(a+)+$"}""", $"\"{new string('a', 100_000)}b\""),
            "half a pair" => ("""{"maxLength":5}""", "\"\\ud800\""),
            _ => ("""{"properties":{"a":{"type":"string"}}}""", """{"a":1,"a":"b"}"""),
        };
        Assert.NotNull(Problems(EventSchema.Compile(schema, "/schema"), data));
    }

    [Fact]
    public void Check_OfDataWithManyFaults_TellsSomeAndRepeatsNoValue()
    {
        var schema = EventSchema.Compile("""{"items":{"type":"integer","enum":[1]},"additionalProperties":false}""", "/schema");
        var problems = Problems(schema, $"[{string.Join(',', Enumerable.Repeat("\"canary\"", 10_000))}]")!;
        Assert.InRange(problems.Count, 1, SchemaRun.MaxProblems);
        Assert.DoesNotContain("canary", string.Concat(problems.SelectMany(problem => problem.Value)), StringComparison.Ordinal);
    }

    /// <summary>Each of these leads to the next one twice, and none fits: 2^n ways.</summary>
    private static string Branches(int depth) => $$"""
        {"$ref":"#/$defs/d0","$defs":{ {{string.Join(',', Enumerable.Range(0, depth).Select(i => $$"""
        "d{{i}}":{"anyOf":[{"$ref":"#/$defs/d{{i + 1}}"},{"$ref":"#/$defs/d{{i + 1}}"}]}
        """))}},"d{{depth}}":false} }
        """;

    private static IReadOnlyDictionary<string, string[]>? Problems(EventSchema schema, string data) => schema.Problems(Encoding.UTF8.GetBytes(data), "/data");
}
