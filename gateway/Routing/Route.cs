using Google.Api;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Routing;

/// <summary>What the body of a request fills.</summary>
internal enum BodyKind
{
    /// <summary>Nothing: the request has no body.</summary>
    None,

    /// <summary>All fields that neither the path nor a header fills.</summary>
    Whole,

    /// <summary>One field.</summary>
    Field,

    /// <summary>A google.api.HttpBody, which takes the bytes as they are.</summary>
    Raw,
}

/// <summary>A path variable: the field and the segments that hold its text.</summary>
internal sealed record PathVariable(FieldPath Field, int Start, int End);

/// <summary>One way over REST to an RPC.</summary>
internal sealed class Route
{
    private const string RawBodyName = "google.api.HttpBody";

    private readonly HashSet<string> _taken;

    public Route(Rpc rpc, HttpRule rule)
    {
        Rpc = rpc;
        (Method, var path) = PatternOf(rule);
        Template = PathTemplate.Parse(path);
        Variables = [.. Template.Variables.Select(variable => VariableOf(rpc, variable))];
        BodyField = rule.Body is "" or "*" ? null : Field(rpc.Input, rule.Body);
        Body = BodyKindOf(rule, rpc, BodyField);
        BodyPlan = rpc.Input.Without([.. rpc.HeaderFields.Select(header => header.Field)]);
        EmptyPlan = rpc.Input.Without(rpc.Input.Fields);
        ResponseBody = rule.ResponseBody.Length == 0 ? null : Field(rpc.Output, rule.ResponseBody);
        IsRawResponse = (ResponseBody?.Message ?? rpc.Output).FullName == RawBodyName;
        _taken =
        [
            .. Variables.Select(variable => variable.Field.Name),
            .. rpc.HeaderFields.Select(header => header.Field.Name),
        ];
    }

    public Rpc Rpc { get; }

    /// <summary>The HTTP verb.</summary>
    public string Method { get; }
    public PathTemplate Template { get; }
    public PathVariable[] Variables { get; }
    public BodyKind Body { get; }

    /// <summary>The field that the body fills, where it is one.</summary>
    public FieldPlan? BodyField { get; }

    /// <summary>
    /// The request without what headers fill. A field of the path may be repeated in the body; the path wins.
    /// </summary>
    public MessagePlan BodyPlan { get; }

    /// <summary>A request that takes no field from its body.</summary>
    public MessagePlan EmptyPlan { get; }

    /// <summary>The field of the reply that is the whole response; null for all of it.</summary>
    public FieldPlan? ResponseBody { get; }

    /// <summary>Whether the response is bytes with a media type of their own.</summary>
    public bool IsRawResponse { get; }

    /// <summary>Whether repeating the call changes nothing, so that a lost one may be sent again.</summary>
    public bool IsSafe => Method == HttpMethods.Get;

    /// <summary>The field of a query parameter; null when the request has none of that name left.</summary>
    public FieldPath? QueryField(string name)
    {
        if (Body == BodyKind.Whole || FieldPath.Find(Rpc.Input, name) is not { } field)
            return null;
        return _taken.Contains(field.Name) || field.First == BodyField ? null : field;
    }

    /// <summary>All rules of an RPC: its own and the additional ones.</summary>
    public static IEnumerable<Route> Of(Rpc rpc)
    {
        var rule = rpc.Descriptor.GetOptions()?.GetExtension(AnnotationsExtensions.Http);
        return rule is null
            ? []
            : rule.AdditionalBindings.Prepend(rule).Select(binding => new Route(rpc, binding));
    }

    private static (string Method, string Path) PatternOf(HttpRule rule) =>
        rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => (HttpMethods.Get, rule.Get),
            HttpRule.PatternOneofCase.Put => (HttpMethods.Put, rule.Put),
            HttpRule.PatternOneofCase.Post => (HttpMethods.Post, rule.Post),
            HttpRule.PatternOneofCase.Delete => (HttpMethods.Delete, rule.Delete),
            HttpRule.PatternOneofCase.Patch => (HttpMethods.Patch, rule.Patch),
            HttpRule.PatternOneofCase.Custom => (rule.Custom.Kind, rule.Custom.Path),
            _ => throw new InvalidOperationException("An http rule has no path."),
        };

    private static BodyKind BodyKindOf(HttpRule rule, Rpc rpc, FieldPlan? field)
    {
        if (rule.Body.Length == 0)
            return BodyKind.None;
        var filled = field is null ? rpc.Input : field.Message;
        if (filled?.FullName == RawBodyName)
            return BodyKind.Raw;
        return field is null ? BodyKind.Whole : BodyKind.Field;
    }

    private static PathVariable VariableOf(Rpc rpc, TemplateVariable variable) =>
        FieldPath.Find(rpc.Input, variable.FieldPath) is { Leaf.IsRepeated: false } field
            ? new PathVariable(field, variable.Start, variable.End)
            : throw new InvalidOperationException(
                $"{rpc.Name} has no single field {variable.FieldPath} for its path."
            );

    private static FieldPlan Field(MessagePlan message, string name) =>
        message.Find(name) ?? throw new InvalidOperationException($"{message.FullName} has no field {name}.");
}
