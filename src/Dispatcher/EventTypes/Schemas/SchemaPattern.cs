using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>
/// Patterns as JSON Schema means them, which is as ECMAScript does: translated where .NET reads the same text otherwise, and refused where it has nothing of the kind. They run in
/// time that is linear in the text; what that way of matching cannot do (looking ahead or behind, references back) is refused, too.
/// </summary>
internal static class SchemaPattern
{
    public const int MaxLength = 1_000;
    private const int MaxSize = 5_000;
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(250);

    /// <exception cref="FormatException">It cannot be used; the message says why.</exception>
    public static Regex Compile(string pattern)
    {
        if (pattern.Length > MaxLength) throw new FormatException($"must have at most {MaxLength} characters");
        if (pattern.Any(char.IsSurrogate)) throw new FormatException("must not have characters beyond U+FFFF");
        try
        {
            return new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Timeout);
        }
        catch (NotSupportedException)
        {
            throw new FormatException("must not look ahead or behind, nor refer back");
        }
        catch (ArgumentException exception)
        {
            throw new FormatException($"is no pattern: {exception.Message}");
        }
    }

    private static string Translate(string pattern)
    {
        var (text, sizes) = (new StringBuilder(), new Stack<(long Sum, long Last)>());
        // How many copies of something an automaton would have: counted repetitions multiply.
        var (sum, last) = (0L, 0L);
        var inClass = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\')
            {
                if (++i == pattern.Length) throw new FormatException("ends with a backslash");
                // ECMAScript takes such a range for its three parts.
                if (inClass && pattern[i] is 'd' or 'w' or 's' && text[^1] == '-' && text[^2] is not ('[' or '^'))
                    throw new FormatException($"has a range that ends with \\{pattern[i]}");
                text.Append(Escaped(pattern, ref i, inClass));
                if (!inClass) (sum, last) = (sum + 1, 1);
            }
            else if (inClass)
            {
                if (c == ']') inClass = false;
                // .NET takes it for a subtraction of classes.
                text.Append(c == '[' ? "\\[" : c);
            }
            else if (c == '[')
            {
                inClass = true;
                text.Append(c);
                if (i + 1 < pattern.Length && pattern[i + 1] == '^') text.Append(pattern[++i]);
                if (i + 1 < pattern.Length && pattern[i + 1] == ']') throw new FormatException("must not have an empty class");
                (sum, last) = (sum + 1, 1);
            }
            else if (c == '{' && Repetition(pattern, i) is (var length, var times))
            {
                text.Append(pattern, i, length);
                i += length - 1;
                (sum, last) = (sum - last + (last * times), last * times);
            }
            else
            {
                if (c == '(')
                {
                    if (pattern.AsSpan(i).StartsWith("(?") && !pattern.AsSpan(i).StartsWith("(?:") && !IsLook(pattern, i))
                        throw new FormatException("must have no other group than (…) and (?:…)");
                    sizes.Push((sum, 0));
                    (sum, last) = (0, 0);
                }
                else if (c == ')' && sizes.TryPop(out var outer)) (sum, last) = (outer.Sum + sum, sum);
                else if (c is not ('*' or '+' or '?' or '|' or '^' or '$')) (sum, last) = (sum + 1, 1);

                text.Append(c switch
                {
                    '$' => @"\z",
                    '.' => @"[^\n\r\u2028\u2029]",
                    '{' or '}' or ']' => throw new FormatException($"has {c} where nothing is repeated"),
                    _ => c.ToString(),
                });
            }

            if (sum > MaxSize) throw new FormatException("repeats too much");
        }

        return text.ToString();
    }

    private static bool IsLook(string pattern, int at) =>
        at + 2 < pattern.Length && (pattern[at + 2] is '=' or '!' || pattern.AsSpan(at).StartsWith("(?<=") || pattern.AsSpan(at).StartsWith("(?<!"));

    private static string Escaped(string pattern, ref int i, bool inClass)
    {
        var c = pattern[i];
        switch (c)
        {
            case 'd': return inClass ? "0-9" : "[0-9]";
            case 'w': return inClass ? "_A-Za-z0-9" : "[A-Za-z0-9_]";
            case 'D' when !inClass: return "[^0-9]";
            case 'W' when !inClass: return "[^A-Za-z0-9_]";
            case 's': return inClass ? @"\s\uFEFF" : @"[\s\uFEFF]";
            case 'S' when !inClass: return @"[^\s\uFEFF]";
            case 'n' or 'r' or 't' or 'f' or 'v': return "\\" + c;
            case 'x' or 'u':
                var digits = c == 'x' ? 2 : 4;
                if (i + digits >= pattern.Length || !IsHex(pattern.AsSpan(i + 1, digits))) throw new FormatException($"has \\{c} without {digits} hex digits");
                var code = int.Parse(pattern.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                if (code is >= 0xD800 and <= 0xDFFF) throw new FormatException("must not have characters beyond U+FFFF");
                i += digits;
                return string.Create(CultureInfo.InvariantCulture, $"\\u{code:x4}");
            case 'p' or 'P':
                var end = pattern.IndexOf('}', i);
                if (end < 0) throw new FormatException($"has \\{c} without a category");
                var category = pattern[(i + 1)..(end + 1)];
                i = end;
                return "\\" + c + category;
            default:
                // In .NET other letters and digits mean something else than in ECMAScript, or nothing.
                return char.IsAsciiLetterOrDigit(c) ? throw new FormatException($"has \\{c}{(inClass ? " in a class" : "")}, which is not known here") : "\\" + c;
        }
    }

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (!char.IsAsciiHexDigit(c)) return false;
        return true;
    }

    /// <summary>How long a counted repetition is as text, and how many copies it makes; null when it is none.</summary>
    private static (int Length, long Times)? Repetition(string pattern, int at)
    {
        var end = pattern.IndexOf('}', at);
        if (end < 0) return null;
        var bounds = pattern[(at + 1)..end].Split(',');
        if (bounds.Length > 2 || !int.TryParse(bounds[0], NumberStyles.None, CultureInfo.InvariantCulture, out var times)) return null;
        if (bounds.Length == 2 && bounds[1].Length > 0 && !int.TryParse(bounds[1], NumberStyles.None, CultureInfo.InvariantCulture, out times)) return null;
        return (end - at + 1, Math.Max(1, times));
    }
}
