using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Google.Api;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// An example for each message, made of what its comments give: 'such as "SAVE10"', or '"ord_" and 32 hex
/// digits'. A field without one borrows from a field of the same name, so that an id looks alike everywhere.
/// </summary>
internal sealed partial class Examples
{
    private const string Digits = "019a8c3e5f7b7d42a1c09e6b4d2f8a13";
    private const string IdEnd = "_id";
    private const int DepthMax = 6;

    private readonly Comments _comments;
    private readonly Schemas _schemas;
    private readonly Dictionary<string, string> _byName = new(StringComparer.Ordinal);

    public Examples(IEnumerable<FileDescriptor> files, Comments comments, Schemas schemas)
    {
        (_comments, _schemas) = (comments, schemas);
        foreach (var field in files.SelectMany(file => file.MessageTypes).SelectMany(Texts))
        {
            if (InComment(field) is not { } text)
                continue;
            _byName.TryAdd($"{field.File.Package}.{field.Name}", text);
            // An id means the same in every service; other words do not.
            if (field.Name.EndsWith(IdEnd, StringComparison.Ordinal))
                _byName.TryAdd(field.Name, text);
        }
    }

    /// <summary>What a caller sends.</summary>
    public JsonNode? Request(MessageDescriptor message, Func<FieldDescriptor, bool>? isWanted = null) =>
        OfMessage(message, FieldBehavior.OutputOnly, 0, isWanted);

    /// <summary>What a caller gets.</summary>
    public JsonNode? Response(MessageDescriptor message) => OfMessage(message, FieldBehavior.InputOnly, 0);

    public JsonNode? Request(FieldDescriptor field) => OfField(field, FieldBehavior.OutputOnly, 0);

    public JsonNode? Response(FieldDescriptor field) => OfField(field, FieldBehavior.InputOnly, 0);

    private JsonNode? OfMessage(
        MessageDescriptor message,
        FieldBehavior left,
        int depth,
        Func<FieldDescriptor, bool>? isWanted = null
    )
    {
        if (ExampleValues.Of(_schemas.ShapeOf(message)) is { } value)
            return value;
        if (_schemas.ShapeOf(message) == MessageShape.Wrapper)
            return OfOne(message.Fields.InFieldNumberOrder()[0], left, depth);
        var example = new JsonObject();
        var oneofs = new HashSet<OneofDescriptor>();
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            if (Schemas.IsHidden(field) || Schemas.Has(field, left) || isWanted?.Invoke(field) == false)
                continue;
            if (field.RealContainingOneof is { } oneof && !oneofs.Add(oneof))
                continue;
            if (depth < DepthMax || field.FieldType != FieldType.Message)
                example[field.Name] = OfField(field, left, depth);
        }
        return example;
    }

    private JsonNode? OfField(FieldDescriptor field, FieldBehavior left, int depth)
    {
        if (field.IsMap)
            return OfMap(field, left, depth);
        if (!field.IsRepeated)
            return OfOne(field, left, depth);
        if (ListInComment(field) is { } list)
            return list;
        // A message inside itself: an empty list is an example too.
        return field.FieldType == FieldType.Message && depth >= DepthMax
            ? new JsonArray()
            : new JsonArray(OfOne(field, left, depth));
    }

    private JsonNode OfMap(FieldDescriptor field, FieldBehavior left, int depth)
    {
        if (ObjectInComment(field) is { } map)
            return map;
        var value = field.MessageType.Fields.InFieldNumberOrder()[1];
        return new JsonObject { ["key"] = OfOne(value, left, depth) };
    }

    private JsonNode? OfOne(FieldDescriptor field, FieldBehavior left, int depth)
    {
        if (Schemas.IsPlainAmount(field))
            return ExampleValues.Amount();
        if (field.FieldType == FieldType.Message)
            return OfMessage(field.MessageType, left, depth + 1);
        if (field.FieldType == FieldType.Enum)
            return ExampleValues.Of(new EnumPlan(field.EnumType), field.EnumType);
        if (field.FieldType != FieldType.String)
            return ExampleValues.OfScalar(field);
        return InComment(field) ?? Borrowed(field) ?? ExampleValues.OfText(field);
    }

    private string? Borrowed(FieldDescriptor field)
    {
        // The id of a Product is what others call product_id.
        var name = field.Name == "id" ? field.ContainingType.Name.ToLowerInvariant() + IdEnd : field.Name;
        return _byName.GetValueOrDefault($"{field.File.Package}.{name}") ?? _byName.GetValueOrDefault(name);
    }

    private string? InComment(FieldDescriptor field)
    {
        var text = _comments.Of(field);
        if (Prefix().Match(text) is { Success: true } prefix)
            return prefix.Groups["prefix"].Value + Digits;
        return Quoted().Match(text) is { Success: true } quoted ? quoted.Groups["text"].Value : null;
    }

    private JsonNode? ListInComment(FieldDescriptor field) =>
        field.FieldType == FieldType.String
        && InBrackets().Match(_comments.Of(field)) is { Success: true } found
            ? Parse(found.Groups["list"].Value) as JsonArray
            : null;

    private JsonNode? ObjectInComment(FieldDescriptor field) =>
        InBraces().Match(_comments.Of(field)) is { Success: true } found
            ? Parse(found.Groups["map"].Value) as JsonObject
            : null;

    // A comment is prose: what only looks like JSON is none.
    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private static IEnumerable<FieldDescriptor> Texts(MessageDescriptor message) =>
        message
            .Fields.InDeclarationOrder()
            .Where(field => field is { FieldType: FieldType.String, IsRepeated: false })
            .Concat(message.NestedTypes.SelectMany(Texts));

    [GeneratedRegex(
        @"""(?<prefix>[a-z]+_)"" and 32 hex digits",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Prefix();

    [GeneratedRegex(
        @"(such as|as|one of) ""(?<text>[^""]+)""",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Quoted();

    [GeneratedRegex(
        @"such as (?<list>\[[^\]]+\])",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex InBrackets();

    [GeneratedRegex(
        @"such as (?<map>\{[^}]+\})",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex InBraces();
}
