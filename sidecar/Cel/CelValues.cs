using System.Globalization;
using System.Text.Json;

namespace Souk.Sidecar.Cel;

/// <summary>What values are and how they compare. JSON stays JSON until looked into.</summary>
internal static class CelValues
{
    public static object? From(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            // As in Dapr, where JSON numbers are doubles; equality and order do not mind.
            JsonValueKind.Number => element.GetDouble(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Null or JsonValueKind.Undefined => null,
            _ => element,
        };

    /// <summary>The items of a list; null for anything else.</summary>
    public static IReadOnlyList<object?>? AsList(object? value) =>
        value switch
        {
            IReadOnlyList<object?> list => list,
            JsonElement { ValueKind: JsonValueKind.Array } array => [.. array.EnumerateArray().Select(From)],
            _ => null,
        };

    public static object? Field(object? value, string name)
    {
        if (value is CelError)
            return value;
        if (value is not JsonElement { ValueKind: JsonValueKind.Object } map)
            return new CelError($"a {NameOf(value)} has no field '{name}'");
        return map.TryGetProperty(name, out var field) ? From(field) : new CelError($"no such key: {name}");
    }

    public static object? Item(object? value, object? index)
    {
        if (value is CelError)
            return value;
        if (index is CelError)
            return index;
        if (index is string name)
            return Field(value, name);
        if (AsList(value) is not { } list)
            return new CelError($"a {NameOf(value)} has no items");
        if (index is not (long or double) || Number(index) is not { } position || position % 1 != 0)
            return new CelError($"a {NameOf(index)} is no index of a list");
        return position >= 0 && position < list.Count
            ? list[(int)position]
            : new CelError($"index {position} is outside the list");
    }

    public static object? Contains(object? element, object? container)
    {
        if (element is CelError)
            return element;
        if (container is CelError)
            return container;
        if (container is JsonElement { ValueKind: JsonValueKind.Object } map)
            return element is string name && map.TryGetProperty(name, out _);
        return AsList(container) is { } list
            ? list.Any(item => AreEqual(element, item))
            : new CelError($"'in' needs a list or a map, not a {NameOf(container)}");
    }

    /// <summary>Numbers are equal by value whatever their types; values of other types never are.</summary>
    public static bool AreEqual(object? left, object? right)
    {
        if (left is long a && right is long b)
            return a == b;
        if (Number(left) is { } x && Number(right) is { } y)
            return x.Equals(y);
        if (left is JsonElement one && right is JsonElement other)
            return JsonElement.DeepEquals(one, other);
        if (AsList(left) is { } list && AsList(right) is { } list2)
            return list.Count == list2.Count
                && list.Zip(list2).All(pair => AreEqual(pair.First, pair.Second));
        return Equals(left, right);
    }

    /// <summary>The order of two values, a <see cref="CelError"/> when they have none.</summary>
    public static object Compare(object? left, object? right)
    {
        if (left is CelError error)
            return error;
        if (right is CelError error2)
            return error2;
        if (left is long a && right is long b)
            return a.CompareTo(b);
        if (Number(left) is { } x && Number(right) is { } y)
            return x.CompareTo(y);
        return (left, right) switch
        {
            (string text, string text2) => string.CompareOrdinal(text, text2),
            (bool flag, bool flag2) => flag.CompareTo(flag2),
            _ => new CelError($"a {NameOf(left)} and a {NameOf(right)} have no order"),
        };
    }

    public static double? Number(object? value) =>
        value switch
        {
            long whole => whole,
            double real => real,
            _ => null,
        };

    public static string ToText(object? value) =>
        value switch
        {
            bool flag => flag ? "true" : "false",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value?.ToString() ?? "null",
        };

    public static string NameOf(object? value) =>
        value switch
        {
            null => "null",
            bool => "bool",
            long => "int",
            double => "double",
            string => "string",
            JsonElement { ValueKind: JsonValueKind.Object } => "map",
            _ => "list",
        };
}
