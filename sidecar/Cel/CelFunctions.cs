using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.Sidecar.Cel;

/// <summary>The functions and macros. A method's receiver is its first argument.</summary>
internal static class CelFunctions
{
    /// <summary>Null when there is no such function of so many arguments.</summary>
    public static CelNode? Find(string name, IReadOnlyList<CelNode> arguments) =>
        (name, arguments.Count) switch
        {
            ("size", 1) => Of(arguments, SizeOf),
            ("int", 1) => Of(arguments, ToWhole),
            ("double", 1) => Of(arguments, ToReal),
            ("string", 1) => Of(arguments, value => value is CelError ? value : CelValues.ToText(value)),
            ("contains", 2) => OfTexts(
                arguments,
                (text, part) => text.Contains(part, StringComparison.Ordinal)
            ),
            ("startsWith", 2) => OfTexts(
                arguments,
                (text, part) => text.StartsWith(part, StringComparison.Ordinal)
            ),
            ("endsWith", 2) => OfTexts(
                arguments,
                (text, part) => text.EndsWith(part, StringComparison.Ordinal)
            ),
            ("matches", 2) => OfTexts(arguments, Matches),
            _ => null,
        };

    /// <summary>Whether a field is there, which is no error when it is not.</summary>
    public static CelNode Has(CelNode map, string field) =>
        scope =>
            map(scope) switch
            {
                CelError error => error,
                JsonElement { ValueKind: JsonValueKind.Object } found => found.TryGetProperty(field, out _),
                _ => false,
            };

    /// <summary>A macro over the items of a list or the keys of a map; null when there is none.</summary>
    public static CelNode? Macro(string name, CelNode range, string variable, CelNode condition)
    {
        Func<IEnumerable<object?>, object?>? fold = name switch
        {
            "all" => results => First(results, false) ?? true,
            "exists" => results => First(results, true) ?? false,
            "exists_one" => results => One(results),
            _ => null,
        };
        if (fold is null)
            return null;
        return scope =>
        {
            var over = range(scope);
            if (over is CelError)
                return over;
            return ItemsOf(over) is { } items
                ? fold(items.Select(item => condition(new CelScope(variable, item, scope))))
                : new CelError($"'{name}' needs a list or a map, not a {CelValues.NameOf(over)}");
        };
    }

    private static IEnumerable<object?>? ItemsOf(object? value) =>
        value is JsonElement { ValueKind: JsonValueKind.Object } map
            ? map.EnumerateObject().Select(member => (object?)member.Name)
            : CelValues.AsList(value);

    // The decisive value if it is there, else an error if there is one.
    private static object? First(IEnumerable<object?> results, bool decisive)
    {
        object? error = null;
        foreach (var result in results)
        {
            if (result is bool flag && flag == decisive)
                return decisive;
            if (result is not bool)
                error ??= result as CelError ?? new CelError("a macro needs a condition");
        }
        return error;
    }

    private static object One(IEnumerable<object?> results)
    {
        var count = 0;
        foreach (var result in results)
        {
            if (result is not bool flag)
                return result as CelError ?? new CelError("a macro needs a condition");
            count += flag ? 1 : 0;
        }
        return count == 1;
    }

    private static CelNode Of(IReadOnlyList<CelNode> arguments, Func<object?, object?> function) =>
        scope => function(arguments[0](scope));

    private static CelNode OfTexts(IReadOnlyList<CelNode> arguments, Func<string, string, object> function) =>
        scope =>
        {
            var (first, second) = (arguments[0](scope), arguments[1](scope));
            return (first, second) switch
            {
                (CelError, _) => first,
                (_, CelError) => second,
                (string text, string part) => function(text, part),
                _ => new CelError($"a string is needed, not a {CelValues.NameOf(first)}"),
            };
        };

    // Linear in the text, as CEL's own RE2 is: a rule must not stall a topic.
    private static object Matches(string text, string pattern)
    {
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return new CelError(e.Message);
        }
    }

    private static object? SizeOf(object? value) =>
        value switch
        {
            CelError => value,
            // Characters, not UTF-16 units.
            string text => (long)text.EnumerateRunes().Count(),
            JsonElement { ValueKind: JsonValueKind.Object } map => (long)map.EnumerateObject().Count(),
            _ when CelValues.AsList(value) is { } list => (long)list.Count,
            _ => new CelError($"a {CelValues.NameOf(value)} has no size"),
        };

    private static object? ToWhole(object? value) =>
        value switch
        {
            CelError or long => value,
            double real when Math.Abs(real) < long.MaxValue => (long)real,
            string text
                when long.TryParse(
                    text,
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out var whole
                ) => whole,
            _ => new CelError($"{CelValues.ToText(value)} is no int"),
        };

    private static object? ToReal(object? value) =>
        value switch
        {
            CelError or double => value,
            long whole => (double)whole,
            string text
                when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) =>
                real,
            _ => new CelError($"{CelValues.ToText(value)} is no double"),
        };
}
