using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Webhooks.Tests.Shared;

/// <summary>Holds the public API of an assembly against the snapshot <c>PublicApi.approved.txt</c> beside the test project.</summary>
internal static class PublicApi
{
    private const string FileName = "PublicApi.approved.txt";
    private const string UpdateVariable = "WEBHOOKS_UPDATE_API";

    /// <summary>Fails with the difference and the way to approve it; writes the snapshot when <c>WEBHOOKS_UPDATE_API=1</c>.</summary>
    public static void AssertApproved(Assembly assembly, string fileName = FileName)
    {
        var file = Path.Combine(ProjectDirectory(), fileName);
        var actual = Print(assembly);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            File.WriteAllText(file, actual);
            return;
        }

        var approved = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        if (approved == actual) return;
        Assert.Fail(
            $"The public API of {assembly.GetName().Name} is not what {fileName} says:\n\n{Difference(approved, actual)}\n" +
            $"If that is meant, run this test once with {UpdateVariable}=1 and commit the file.");
    }

    /// <summary>One line for each public or protected type and member, in an order that does not depend on the compiler.</summary>
    public static string Print(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().Where(IsWritten).OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(PublicApiText.Header(type)).Append('\n');
            foreach (var line in Members(type).Distinct().Order(StringComparer.Ordinal)) text.Append("    ").Append(line).Append('\n');
            text.Append('\n');
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type)) yield break;
        if (type.IsEnum)
        {
            foreach (var name in Enum.GetNames(type))
                yield return $"{Convert.ToInt64(Enum.Parse(type, name), null):D4} {name}";
            yield break;
        }

        const BindingFlags Declared =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var member in type.GetMembers(Declared))
        {
            if (!IsWritten(member)) continue;
            var line = member switch
            {
                ConstructorInfo it when IsSeen(it) => PublicApiText.Constructor(it),
                MethodInfo it when IsSeen(it) && (!it.IsSpecialName || it.Name.StartsWith("op_", StringComparison.Ordinal)) =>
                    PublicApiText.Method(it),
                PropertyInfo it when IsSeen(it.GetMethod) || IsSeen(it.SetMethod) =>
                    PublicApiText.Property(it, IsSeen(it.GetMethod), IsSeen(it.SetMethod)),
                EventInfo it when IsSeen(it.AddMethod) => PublicApiText.Event(it),
                FieldInfo it when it.IsPublic || it.IsFamily || it.IsFamilyOrAssembly => PublicApiText.Field(it),
                _ => null,
            };
            if (line is not null) yield return line;
        }
    }

    // What the compiler adds of itself (a record's equality, say) follows from the header.
    private static bool IsWritten(MemberInfo member) =>
        !member.Name.Contains('<', StringComparison.Ordinal) &&
        (member is FieldInfo || !member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false));

    private static bool IsSeen(MethodBase? method) => method is { } it && (it.IsPublic || it.IsFamily || it.IsFamilyOrAssembly);

    private static string Difference(string approved, string actual)
    {
        var before = Qualified(approved);
        var after = Qualified(actual);
        var lines = before.Except(after).Select(line => (line, sign: '-')).Concat(after.Except(before).Select(line => (line, sign: '+')));
        return string.Concat(lines.OrderBy(it => it.line, StringComparer.Ordinal).ThenByDescending(it => it.sign)
            .Select(it => $"{it.sign} {it.line}\n"));
    }

    // A member's line alone would not say whose it is.
    private static List<string> Qualified(string text)
    {
        var type = "";
        var lines = new List<string>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith(' ')) lines.Add(type = line);
            else lines.Add($"{type} :: {line.Trim()}");
        }

        return lines;
    }

    private static string ProjectDirectory()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (directory.EnumerateFiles("*.csproj").Any())
                return directory.FullName;
        throw new InvalidOperationException("This test runs from the build output of its project; no project file was found above it.");
    }
}
