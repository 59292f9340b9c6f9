using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.OpenApi;

/// <summary>Schemas of numbers, flags and bytes, and of messages that are one JSON value.</summary>
internal static class ScalarSchemas
{
    public static JsonObject Of(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.Bytes => new JsonObject { ["type"] = "string", ["contentEncoding"] = "base64" },
            FieldType.Bool => new JsonObject { ["type"] = "boolean" },
            FieldType.Double => new JsonObject { ["type"] = "number", ["format"] = "double" },
            FieldType.Float => new JsonObject { ["type"] = "number", ["format"] = "float" },
            FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => Wide(field, "int64"),
            FieldType.UInt64 or FieldType.Fixed64 => Wide(field, "uint64"),
            FieldType.UInt32 or FieldType.Fixed32 => new JsonObject
            {
                ["type"] = "integer",
                ["format"] = "int64",
                ["minimum"] = 0,
                ["maximum"] = uint.MaxValue,
            },
            _ => new JsonObject { ["type"] = "integer", ["format"] = "int32" },
        };

    /// <summary>Null for messages that are objects of their fields.</summary>
    public static JsonObject? Of(MessageShape shape) =>
        shape switch
        {
            MessageShape.Timestamp => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
            MessageShape.Duration => new JsonObject
            {
                ["type"] = "string",
                ["pattern"] = @"^-?\d{1,12}(\.\d{1,9})?s$",
            },
            MessageShape.FieldMask => new JsonObject
            {
                ["type"] = "string",
                ["pattern"] = @"^([A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*)?$",
            },
            MessageShape.Struct or MessageShape.Any => new JsonObject { ["type"] = "object" },
            MessageShape.Value => [],
            MessageShape.ListValue => new JsonObject { ["type"] = "array", ["items"] = new JsonObject() },
            _ => null,
        };

    // Ours are counts and travel as numbers (FieldPlan.WritesWideAsNumber); others' are the mapping's texts.
    private static JsonObject Wide(FieldDescriptor field, string format)
    {
        var isNumber = FieldPlan.IsCount(field);
        var schema = new JsonObject { ["type"] = isNumber ? "integer" : "string", ["format"] = format };
        if (!isNumber)
            schema["pattern"] = @"^-?\d{1,20}$";
        else if (format == "uint64")
            schema["minimum"] = 0;
        return schema;
    }
}
