using System.CommandLine;

namespace Webhooks.Bench.Setup;

/// <summary>An option that takes a whole number, and no lower one than what there is something to measure with.</summary>
internal static class WholeNumber
{
    public static Option<int> Option(string name, string description, int absent, int least = 1)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => absent };
        option.Validators.Add(result =>
        {
            // What is no number at all was said to be none already.
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var value) && value < least) result.AddError($"{name} must be {least} or more; it is {value}.");
        });
        return option;
    }
}
