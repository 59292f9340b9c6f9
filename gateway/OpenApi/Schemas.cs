using System.Text.Json.Nodes;
using Google.Api;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;
using Souk.Options.V1;

namespace Souk.Gateway.OpenApi;

/// <summary>JSON schemas of messages, as the transcoder reads and writes them.</summary>
internal sealed class Schemas(Comments comments, PlanCompiler plans)
{
    // What services refuse where the contract says nothing: MessageCheck.
    private const int TextCharsMax = 10_000;
    private const int EntriesMax = 1_000;

    /// <summary>The named schemas that were asked for, and those that they ask for.</summary>
    public SortedDictionary<string, JsonNode> Named { get; } = new(StringComparer.Ordinal);

    public static bool IsHidden(FieldDescriptor field) =>
        field.GetOptions()?.GetExtension(OptionsExtensions.Hidden) ?? false;

    public static bool IsRequired(FieldDescriptor field) => Has(field, FieldBehavior.Required);

    public static bool Has(FieldDescriptor field, FieldBehavior behaviour) =>
        field.GetOptions()?.GetExtension(FieldBehaviorExtensions.FieldBehavior)?.Contains(behaviour) ?? false;

    public static bool IsPlainAmount(FieldDescriptor field) =>
        field.GetOptions()?.GetExtension(OptionsExtensions.PlainAmount) ?? false;

    /// <summary>How a message looks in JSON: an object of its fields, or a form of its own.</summary>
    public MessageShape ShapeOf(MessageDescriptor message) => plans.Compile(message).Shape;

    public JsonObject Of(MessageDescriptor message) =>
        WellKnown(message) ?? Component(message, () => Object(message));

    public JsonObject Of(FieldDescriptor field)
    {
        if (field.IsMap)
            return new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = One(field.MessageType.Fields.InFieldNumberOrder()[1], field),
                ["maxProperties"] = EntriesOf(field),
            };
        if (!field.IsRepeated)
            return One(field, field);
        return new JsonObject
        {
            ["type"] = "array",
            ["items"] = One(field, field),
            ["maxItems"] = EntriesOf(field),
        };
    }

    /// <summary>A field with its words and its behaviour.</summary>
    public JsonObject Documented(FieldDescriptor field)
    {
        var schema = Json.Described(Of(field), comments.OfField(field));
        if (Has(field, FieldBehavior.OutputOnly))
            schema["readOnly"] = true;
        if (Has(field, FieldBehavior.InputOnly))
            schema["writeOnly"] = true;
        if (field.GetOptions() is { Deprecated: true })
            schema["deprecated"] = true;
        return schema;
    }

    /// <summary>An object of some of a message's fields.</summary>
    public JsonObject Object(MessageDescriptor message, Func<FieldDescriptor, bool>? isWanted = null)
    {
        var fields = message
            .Fields.InDeclarationOrder()
            .Where(field => !IsHidden(field) && isWanted?.Invoke(field) != false)
            .ToArray();
        var schema = Json.Described(new JsonObject { ["type"] = "object" }, comments.Of(message));
        schema["properties"] = Json.Object(
            fields.Select(field => KeyValuePair.Create(field.Name, (JsonNode?)Documented(field)))
        );
        var required = Json.Texts(fields.Where(IsRequired).Select(field => field.Name));
        if (required.Count > 0)
            schema["required"] = required;
        var pairs = message.Oneofs.Where(oneof => !oneof.IsSynthetic).SelectMany(PairsOf).ToArray();
        if (pairs.Length > 0)
            schema["not"] = new JsonObject { ["anyOf"] = Json.Array(pairs) };
        return schema;
    }

    // At most one member of a oneof: no two of them together.
    private static IEnumerable<JsonNode> PairsOf(OneofDescriptor oneof) =>
        from a in oneof.Fields
        from b in oneof.Fields
        where a.Index < b.Index
        select new JsonObject { ["required"] = Json.Texts([a.Name, b.Name]) };

    private JsonObject Component(IDescriptor type, Func<JsonObject> make)
    {
        var name = Json.NameOf(type);
        if (!Named.ContainsKey(name))
        {
            // Reserved first: messages may contain themselves.
            Named[name] = new JsonObject();
            Named[name] = make();
        }
        return Json.Reference(Json.SchemaPath + name);
    }

    // The carrier has the options: of a map's values it is the map.
    private JsonObject One(FieldDescriptor field, FieldDescriptor carrier) =>
        field.FieldType switch
        {
            FieldType.Message when IsPlainAmount(carrier) => new JsonObject { ["type"] = "number" },
            FieldType.Message => Of(field.MessageType),
            FieldType.Enum when new EnumPlan(field.EnumType).IsNull => new JsonObject { ["type"] = "null" },
            FieldType.Enum => Component(field.EnumType, () => EnumOf(field.EnumType)),
            FieldType.String => new JsonObject { ["type"] = "string", ["maxLength"] = CharsOf(carrier) },
            _ => ScalarSchemas.Of(field),
        };

    private JsonObject EnumOf(EnumDescriptor type)
    {
        var plan = new EnumPlan(type);
        var values = type.Values.Where(value => plan.Find(value.Number) is not null).ToArray();
        string TextOf(EnumValueDescriptor value) => plan.Find(value.Number)?.Text.ToString() ?? "";
        var schema = Json.Described(new JsonObject { ["type"] = "string" }, comments.Of(type));
        schema["enum"] = Json.Texts(values.Select(TextOf).Distinct());
        schema["x-enum-descriptions"] = Json.Object(
            values
                .DistinctBy(TextOf)
                .Select(value => KeyValuePair.Create(TextOf(value), (JsonNode?)comments.Of(value)))
        );
        return schema;
    }

    private JsonObject? WellKnown(MessageDescriptor message) =>
        ShapeOf(message) switch
        {
            MessageShape.Money => Money(),
            MessageShape.Wrapper => Nullable(message.Fields.InFieldNumberOrder()[0]),
            var shape => ScalarSchemas.Of(shape),
        };

    private JsonObject Nullable(FieldDescriptor field)
    {
        var schema = One(field, field);
        schema["type"] = new JsonArray(schema["type"]?.DeepClone(), "null");
        return schema;
    }

    private JsonObject Money()
    {
        const string name = "Money";
        Named.TryAdd(
            name,
            new JsonObject
            {
                ["type"] = "object",
                ["description"] = "An amount in one currency: an exact decimal with the currency's digits.",
                ["required"] = Json.Texts(["currency", "amount"]),
                ["properties"] = new JsonObject
                {
                    ["currency"] = new JsonObject
                    {
                        ["type"] = "string",
                        ["pattern"] = "^[A-Z]{3}$",
                        ["description"] = "ISO 4217 code.",
                    },
                    ["amount"] = new JsonObject { ["type"] = "number", ["description"] = "How much." },
                },
            }
        );
        return Json.Reference(Json.SchemaPath + name);
    }

    private static int CharsOf(FieldDescriptor field) =>
        // On a list or a map the option counts the entries.
        !field.IsRepeated && SizeOf(field) is > 0 and var size
            ? size
            : TextCharsMax;

    private static int EntriesOf(FieldDescriptor field) =>
        SizeOf(field) is > 0 and var size ? size : EntriesMax;

    private static int SizeOf(FieldDescriptor field) =>
        (int)(field.GetOptions()?.GetExtension(OptionsExtensions.MaxSize) ?? 0);
}
