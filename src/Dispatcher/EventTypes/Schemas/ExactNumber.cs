using System.Buffers.Text;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Webhooks.Dispatcher.EventTypes.Schemas;

/// <summary>A JSON number as it is written, without rounding: whether 0.3 is a multiple of 0.1 is no matter of binary fractions.</summary>
internal readonly struct ExactNumber : IComparable<ExactNumber>
{
    // Beyond, nobody counts; and what takes numbers of a million digits to a power takes the machine with it.
    private const int MaxLength = 200;
    private const int MaxExponent = 1_000;

    private readonly BigInteger _digits;
    private readonly int _exponent;

    private ExactNumber(BigInteger digits, int exponent) => (_digits, _exponent) = (digits, exponent);

    public bool IsInteger => _exponent >= 0;

    public bool IsPositive => _digits.Sign > 0;

    /// <summary>Reads a number. False when it has more digits, or is larger or smaller, than is counted with here.</summary>
    public static bool TryParse(JsonElement number, out ExactNumber exact)
    {
        exact = default;
        var raw = JsonMarshal.GetRawUtf8Value(number);
        if (raw.Length > MaxLength) return false;
        var (digits, exponent, isFraction) = (BigInteger.Zero, 0, false);
        var at = raw[0] == '-' ? 1 : 0;
        for (; at < raw.Length && raw[at] is not ((byte)'e' or (byte)'E'); at++)
        {
            if (raw[at] == '.')
            {
                isFraction = true;
                continue;
            }

            digits = (digits * 10) + (raw[at] - '0');
            if (isFraction) exponent--;
        }

        if (digits.IsZero)
        {
            exact = new ExactNumber(digits, 0);
            return true;
        }

        if (at < raw.Length)
        {
            var power = raw[(at + 1)..];
            if (power[0] == '+') power = power[1..];
            if (!Utf8Parser.TryParse(power, out int shift, out var read) || read != power.Length || Math.Abs((long)shift) > MaxExponent) return false;
            exponent += shift;
        }

        // One form for each number: without zeros at the end.
        while (BigInteger.Remainder(digits, 10).IsZero) (digits, exponent) = (digits / 10, exponent + 1);
        exact = new ExactNumber(raw[0] == '-' ? -digits : digits, exponent);
        return true;
    }

    public int CompareTo(ExactNumber other)
    {
        var (one, two) = Align(this, other);
        return one.CompareTo(two);
    }

    public bool IsMultipleOf(ExactNumber unit)
    {
        var (one, two) = Align(this, unit);
        return BigInteger.Remainder(one, two).IsZero;
    }

    public override int GetHashCode() => HashCode.Combine(_digits, _exponent);

    private static (BigInteger, BigInteger) Align(ExactNumber one, ExactNumber two)
    {
        var least = Math.Min(one._exponent, two._exponent);
        return (one._digits * BigInteger.Pow(10, one._exponent - least), two._digits * BigInteger.Pow(10, two._exponent - least));
    }
}
