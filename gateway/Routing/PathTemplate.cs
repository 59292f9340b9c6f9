namespace Souk.Gateway.Routing;

/// <summary>One part of a template between two slashes.</summary>
internal enum SegmentKind
{
    Literal,

    /// <summary>"*": any one segment.</summary>
    Any,

    /// <summary>"**": all that is left, also nothing.</summary>
    Rest,
}

/// <summary>A part of a template; the text is that of a literal.</summary>
internal sealed record TemplateSegment(SegmentKind Kind, string Text);

/// <summary>A field path and the segments that it takes, the end exclusive and -1 behind a "**".</summary>
internal sealed record TemplateVariable(string FieldPath, int Start, int End);

/// <summary>
/// A path of google.api.http: <c>/v1/{name=shelves/*}/books/{book}:read</c>. Parsed once at start; a template
/// that breaks the grammar stops the gateway.
/// </summary>
internal sealed class PathTemplate
{
    private readonly string _text;
    private int _at;

    private PathTemplate(string text) => _text = text;

    public List<TemplateSegment> Segments { get; } = [];

    public List<TemplateVariable> Variables { get; } = [];

    /// <summary>The custom verb behind the colon; empty without one.</summary>
    public string Verb { get; private set; } = "";

    public static PathTemplate Parse(string text)
    {
        var template = new PathTemplate(text);
        template.Expect('/');
        template.ReadSegments(isInsideVariable: false);
        if (template.TryTake(':'))
            template.Verb = template.ReadLiteral();
        if (template._at != text.Length)
            throw template.Broken("has something behind its end");
        if (
            template.Segments.FindIndex(segment => segment.Kind == SegmentKind.Rest) is var rest and >= 0
            && rest != template.Segments.Count - 1
        )
            throw template.Broken("has ** before its last segment");
        return template;
    }

    public override string ToString() => _text;

    private void ReadSegments(bool isInsideVariable)
    {
        do
        {
            if (TryTake('{'))
            {
                if (isInsideVariable)
                    throw Broken("nests variables");
                ReadVariable();
            }
            else if (TryTake('*'))
            {
                Segments.Add(new TemplateSegment(TryTake('*') ? SegmentKind.Rest : SegmentKind.Any, ""));
            }
            else
            {
                Segments.Add(new TemplateSegment(SegmentKind.Literal, ReadLiteral()));
            }
        } while (TryTake('/'));
    }

    private void ReadVariable()
    {
        var name = ReadUntil("=}");
        var start = Segments.Count;
        if (TryTake('='))
            ReadSegments(isInsideVariable: true);
        else
            Segments.Add(new TemplateSegment(SegmentKind.Any, ""));
        Expect('}');
        Variables.Add(
            new TemplateVariable(name, start, Segments[^1].Kind == SegmentKind.Rest ? -1 : Segments.Count)
        );
    }

    private string ReadLiteral() => ReadUntil("/:{}*");

    private string ReadUntil(string ends)
    {
        var rest = _text.AsSpan(_at);
        var length = rest.IndexOfAny(ends);
        var taken = (length < 0 ? rest : rest[..length]).ToString();
        if (taken.Length == 0)
            throw Broken("has an empty part");
        _at += taken.Length;
        return taken;
    }

    private bool TryTake(char character)
    {
        if (_at >= _text.Length || _text[_at] != character)
            return false;
        _at++;
        return true;
    }

    private void Expect(char character)
    {
        if (!TryTake(character))
            throw Broken($"lacks {character}");
    }

    private InvalidOperationException Broken(string what) =>
        new($"The path template {_text} {what} at {_at}.");
}
