using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.OpenApi;

/// <summary>Examples of values that no comment gives one for.</summary>
internal static class ExampleValues
{
    private const string Instant = "2026-01-31T12:00:00Z";
    private const decimal SomeAmount = 19.90m;

    public static JsonNode Amount() => SomeAmount;

    /// <summary>Null for messages that are objects of their fields.</summary>
    public static JsonNode? Of(MessageShape shape) =>
        shape switch
        {
            MessageShape.Timestamp => Instant,
            MessageShape.Duration => "1.500s",
            MessageShape.FieldMask => "name",
            MessageShape.Struct or MessageShape.Any => new JsonObject(),
            MessageShape.Value => "text",
            MessageShape.ListValue => new JsonArray(),
            MessageShape.Money => new JsonObject { ["currency"] = "USD", ["amount"] = SomeAmount },
            _ => null,
        };

    // Zero stands for "not said": the first value that says something is the better example.
    public static JsonNode? Of(EnumPlan plan, EnumDescriptor type) =>
        plan.IsNull
            ? null
            : plan.Find(type.Values.FirstOrDefault(value => value.Number != 0)?.Number ?? 0)?.Text.ToString();

    public static JsonNode OfScalar(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.Bool => true,
            FieldType.Bytes => "c291aw==",
            FieldType.Double or FieldType.Float => 4.5,
            FieldType.Int64
            or FieldType.UInt64
            or FieldType.SInt64
            or FieldType.Fixed64
            or FieldType.SFixed64 when !FieldPlan.IsCount(field) => "1",
            _ => 1,
        };

    /// <summary>By what a field's name says, else the name itself as words.</summary>
    public static string OfText(FieldDescriptor field)
    {
        var name = field.Name;
        if (
            Known.FirstOrDefault(known => name.Contains(known.Part, StringComparison.Ordinal)) is
            { Part: not null } hit
        )
            return hit.Example;
        return name.Replace('_', ' ');
    }

    private static readonly (string Part, string Example)[] Known =
    [
        ("email", "ada@example.com"),
        ("phone", "+12025550123"),
        ("url", "https://shop.example/return"),
        ("image", "https://cdn.example.com/1.jpg"),
        ("currency", "USD"),
        ("country", "US"),
        ("postal_code", "62701"),
        ("city", "Springfield"),
        ("page_token", ""),
        ("etag", "1"),
        ("sku", "shirt-blue-m"),
        ("request_id", "0b9f6a52-8d4e-4f0e-9a51-3d1c6f0f7b11"),
        ("line1", "1 Main St"),
        ("line2", ""),
        ("region", "IL"),
        ("password", "correct horse battery staple"),
        ("review_text", "Fits well."),
    ];
}
