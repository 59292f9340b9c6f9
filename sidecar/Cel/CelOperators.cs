namespace Souk.Sidecar.Cel;

/// <summary>The operators, as nodes over their operands.</summary>
internal static class CelOperators
{
    public static CelNode And(CelNode left, CelNode right) => scope => Either(scope, left, right, false);

    public static CelNode Or(CelNode left, CelNode right) => scope => Either(scope, left, right, true);

    public static CelNode Not(CelNode operand) =>
        scope =>
            operand(scope) switch
            {
                bool flag => !flag,
                CelError error => error,
                var other => new CelError($"'!' needs a bool, not a {CelValues.NameOf(other)}"),
            };

    public static CelNode Negate(CelNode operand) =>
        scope =>
            operand(scope) switch
            {
                long whole and not long.MinValue => -whole,
                double real => -real,
                CelError error => error,
                var other => new CelError($"'-' needs a number, not a {CelValues.NameOf(other)}"),
            };

    public static CelNode Choose(CelNode condition, CelNode yes, CelNode no) =>
        scope =>
            condition(scope) switch
            {
                true => yes(scope),
                false => no(scope),
                CelError error => error,
                var other => new CelError($"'?' needs a bool, not a {CelValues.NameOf(other)}"),
            };

    /// <summary>A comparison or arithmetic operator; null when there is none of that name.</summary>
    public static CelNode? Binary(string name, CelNode left, CelNode right)
    {
        Func<object?, object?, object?>? operation = name switch
        {
            "==" => Equal,
            "!=" => (x, y) => Equal(x, y) is bool equal ? !equal : Equal(x, y),
            "<" => (x, y) => Ordered(x, y, order => order < 0),
            "<=" => (x, y) => Ordered(x, y, order => order <= 0),
            ">" => (x, y) => Ordered(x, y, order => order > 0),
            ">=" => (x, y) => Ordered(x, y, order => order >= 0),
            "in" => CelValues.Contains,
            "+" or "-" or "*" or "/" or "%" => (x, y) => Compute(name[0], x, y),
            _ => null,
        };
        return operation is null ? null : scope => operation(left(scope), right(scope));
    }

    // One decisive operand is enough, whichever side it stands on and whatever became of the other.
    private static object Either(CelScope scope, CelNode left, CelNode right, bool decisive)
    {
        var first = left(scope);
        if (first is bool flag && flag == decisive)
            return decisive;
        var second = right(scope);
        if (second is bool flag2 && flag2 == decisive)
            return decisive;
        if (first is bool && second is bool)
            return !decisive;
        return first as CelError
            ?? second as CelError
            ?? new CelError(decisive ? "'||' needs conditions" : "'&&' needs conditions");
    }

    private static object? Equal(object? left, object? right) =>
        left is CelError ? left
        : right is CelError ? right
        : CelValues.AreEqual(left, right);

    private static object Ordered(object? left, object? right, Func<int, bool> holds)
    {
        var compared = CelValues.Compare(left, right);
        return compared is int order ? holds(order) : compared;
    }

    private static object? Compute(char sign, object? left, object? right)
    {
        switch (left, right)
        {
            case (CelError, _):
                return left;
            case (_, CelError):
                return right;
            case (long a, long b):
                return Whole(sign, a, b);
            case (string text, string text2) when sign == '+':
                return text + text2;
            default:
                break;
        }
        if (CelValues.Number(left) is { } x && CelValues.Number(right) is { } y)
            return Real(sign, x, y);
        if (sign == '+' && CelValues.AsList(left) is { } list && CelValues.AsList(right) is { } list2)
            return new List<object?>([.. list, .. list2]);
        return new CelError(
            $"'{sign}' is not for a {CelValues.NameOf(left)} and a {CelValues.NameOf(right)}"
        );
    }

    private static object Whole(char sign, long left, long right)
    {
        try
        {
            return sign switch
            {
                '+' => checked(left + right),
                '-' => checked(left - right),
                '*' => checked(left * right),
                '/' => left / right,
                _ => left % right,
            };
        }
        catch (ArithmeticException e)
        {
            return new CelError(e.Message);
        }
    }

    private static object Real(char sign, double left, double right) =>
        sign switch
        {
            '+' => left + right,
            '-' => left - right,
            '*' => left * right,
            '/' => left / right,
            _ => new CelError("'%' needs whole numbers"),
        };
}
