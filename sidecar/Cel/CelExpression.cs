using System.Text.Json;

namespace Souk.Sidecar.Cel;

/// <summary>
/// An expression in the part of CEL (Common Expression Language) that routing rules and circuit breakers use:
/// all operators, literals and lists, field and index access, <c>has</c>, <c>size</c>, <c>contains</c>,
/// <c>startsWith</c>, <c>endsWith</c>, <c>matches</c>, the conversions and the macros <c>all</c>,
/// <c>exists</c> and <c>exists_one</c>. Values are null, bool, long, double, string, lists of these, JSON.
/// </summary>
internal sealed class CelExpression
{
    private readonly CelNode _node;

    private CelExpression(string text, CelNode node)
    {
        Text = text;
        _node = node;
    }

    public string Text { get; }

    /// <summary>Throws FormatException, which says what is wrong and where.</summary>
    public static CelExpression Parse(string text) => new(text, new CelParser(text).ParseWhole());

    /// <summary>
    /// The value of the expression; a <see cref="CelError"/> when it has none, as when a field is missing.
    /// </summary>
    public object? Evaluate(CelScope scope) => _node(scope);

    /// <summary>Whether the expression holds; one that fails, or is no condition, does not.</summary>
    public bool Holds(CelScope scope) => _node(scope) is true;
}

/// <summary>A compiled part of an expression.</summary>
internal delegate object? CelNode(CelScope scope);

/// <summary>Why there is no value. An operand like any other: <c>true || error</c> is true.</summary>
internal sealed record CelError(string Message);

/// <summary>A variable, and those around it.</summary>
internal sealed record CelScope(string Name, object? Value, CelScope? Outer = null)
{
    public static CelScope Of(string name, JsonElement value) => new(name, CelValues.From(value));

    public object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.Name == name)
                return scope.Value;
        }
        return new CelError($"there is no variable '{name}'");
    }
}
