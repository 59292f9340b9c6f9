namespace Souk.Sidecar.Cel;

/// <summary>Turns the words of an expression into nodes, by recursive descent along CEL's grammar.</summary>
internal sealed class CelParser
{
    // Deeper than anybody writes; beyond it somebody is after the stack.
    private const int DepthMax = 64;

    private readonly List<CelToken> _tokens;
    private int _at;
    private int _depth;

    public CelParser(string text) => _tokens = new CelLexer(text).ReadAll();

    private CelToken Next => _tokens[_at];

    public CelNode ParseWhole()
    {
        var node = ParseChoice();
        return Next.Kind == CelKind.End ? node : throw Unexpected();
    }

    private CelNode ParseChoice()
    {
        if (++_depth > DepthMax)
            throw new FormatException($"is nested deeper than {DepthMax} levels");
        var condition = ParseOr();
        if (Takes("?"))
        {
            var yes = ParseOr();
            Require(":");
            condition = CelOperators.Choose(condition, yes, ParseChoice());
        }
        _depth--;
        return condition;
    }

    private CelNode ParseOr()
    {
        var left = ParseAnd();
        while (Takes("||"))
            left = CelOperators.Or(left, ParseAnd());
        return left;
    }

    private CelNode ParseAnd()
    {
        var left = ParseComparison();
        while (Takes("&&"))
            left = CelOperators.And(left, ParseComparison());
        return left;
    }

    private CelNode ParseComparison() => ParseBinary(ParseSum, "==", "!=", "<", "<=", ">", ">=", "in");

    private CelNode ParseSum() => ParseBinary(ParseProduct, "+", "-");

    private CelNode ParseProduct() => ParseBinary(ParseSigned, "*", "/", "%");

    private CelNode ParseBinary(Func<CelNode> operand, params string[] names)
    {
        var left = operand();
        while (Next.Kind == CelKind.Sign && names.Contains(Next.Text))
        {
            var name = _tokens[_at++].Text;
            left = CelOperators.Binary(name, left, operand()) ?? throw Unexpected();
        }
        return left;
    }

    private CelNode ParseSigned()
    {
        var (nots, minuses) = (0, 0);
        while (Takes("!"))
            nots++;
        while (nots == 0 && Takes("-"))
            minuses++;
        var node = ParseMember();
        if (nots % 2 == 1)
            return CelOperators.Not(node);
        return minuses % 2 == 1 ? CelOperators.Negate(node) : node;
    }

    private CelNode ParseMember()
    {
        var node = ParsePrimary();
        while (true)
        {
            if (Takes("."))
                node = ParseSelection(node);
            else if (Takes("["))
            {
                var (list, index) = (node, ParseChoice());
                Require("]");
                node = scope => CelValues.Item(list(scope), index(scope));
            }
            else
                return node;
        }
    }

    private CelNode ParseSelection(CelNode target)
    {
        var name = RequireName();
        if (!Takes("("))
            return scope => CelValues.Field(target(scope), name.Text);
        // A macro's first argument is the name of its variable.
        if (Next.Kind == CelKind.Name && _tokens[_at + 1].Text == ",")
        {
            var variable = RequireName().Text;
            Require(",");
            var condition = ParseChoice();
            Require(")");
            return CelFunctions.Macro(name.Text, target, variable, condition) ?? throw NoFunction(name);
        }
        var arguments = ParseUntil(")");
        return CelFunctions.Find(name.Text, [target, .. arguments]) ?? throw NoFunction(name);
    }

    private CelNode ParsePrimary()
    {
        var token = _tokens[_at++];
        switch (token)
        {
            case { Kind: CelKind.Literal }:
                return _ => token.Value;
            case { Kind: CelKind.Sign, Text: "(" }:
                var inner = ParseChoice();
                Require(")");
                return inner;
            case { Kind: CelKind.Sign, Text: "[" }:
                var items = ParseUntil("]");
                return scope => ListOf(items, scope);
            case { Kind: CelKind.Name, Text: "has" } when Takes("("):
                return ParseHas();
            case { Kind: CelKind.Name } when Takes("("):
                return CelFunctions.Find(token.Text, ParseUntil(")")) ?? throw NoFunction(token);
            case { Kind: CelKind.Name }:
                return scope => scope.Find(token.Text);
            default:
                _at--;
                throw Unexpected();
        }
    }

    private CelNode ParseHas()
    {
        // The argument is a path that ends in a field: all but its last step is evaluated.
        var node = ParsePrimary();
        CelToken? field = null;
        while (Takes("."))
        {
            if (field is { } step)
            {
                var map = node;
                node = scope => CelValues.Field(map(scope), step.Text);
            }
            field = RequireName();
        }
        Require(")");
        return field is { } last
            ? CelFunctions.Has(node, last.Text)
            : throw new FormatException("has() needs a field, such as has(event.data)");
    }

    private List<CelNode> ParseUntil(string end)
    {
        var nodes = new List<CelNode>();
        while (!Takes(end))
        {
            if (nodes.Count > 0)
                Require(",");
            nodes.Add(ParseChoice());
        }
        return nodes;
    }

    private static object? ListOf(List<CelNode> items, CelScope scope)
    {
        var values = items.ConvertAll(item => item(scope));
        return values.Find(value => value is CelError) ?? values;
    }

    private bool Takes(string sign)
    {
        if (Next.Kind != CelKind.Sign || Next.Text != sign)
            return false;
        _at++;
        return true;
    }

    private void Require(string sign)
    {
        if (!Takes(sign))
            throw new FormatException($"'{sign}' is expected at {Next.At + 1}, not {Next.Text}");
    }

    private CelToken RequireName() => Next.Kind == CelKind.Name ? _tokens[_at++] : throw Unexpected();

    private FormatException Unexpected() => new($"{Next.Text} at {Next.At + 1} is not expected");

    private static FormatException NoFunction(CelToken name) =>
        new($"there is no function {name.Text} of such arguments, at {name.At + 1}");
}
