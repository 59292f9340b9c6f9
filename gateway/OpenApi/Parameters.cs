using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// The parameters of a route: from its path, its headers, and what is left for the query.
/// </summary>
internal sealed class Parameters(Schemas schemas, Examples examples)
{
    /// <summary>A message inside a query is shown with its own fields, but not theirs.</summary>
    private const int QueryDepthMax = 2;

    /// <summary>Fields that the path or a header fills.</summary>
    public static HashSet<string> TakenBy(Route route) =>
        [
            .. route.Variables.Select(variable => variable.Field.Name),
            .. route.Rpc.HeaderFields.Select(header => header.Field.Name),
        ];

    public JsonArray Of(Route route)
    {
        var input = route.Rpc.Descriptor.InputType;
        var all = new JsonArray();
        foreach (var part in PathText.WildcardsOf(route))
            all.Add(PathPart(part, input));
        foreach (var header in route.Rpc.HeaderFields)
            all.Add(Header(header, input.FindFieldByName(header.Field.Name)));
        if (route.Body != BodyKind.Whole)
            AddQuery(all, input, "", route);
        return all;
    }

    private void AddQuery(JsonArray all, MessageDescriptor message, string prefix, Route route)
    {
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            var name = prefix + field.Name;
            if (field.IsMap || Schemas.IsHidden(field) || route.QueryField(name) is null)
                continue;
            if (!IsObject(field))
                all.Add(Parameter(name, "query", field));
            else if (!field.IsRepeated && name.Split('.').Length < QueryDepthMax)
                AddQuery(all, field.MessageType, $"{name}.", route);
        }
    }

    private bool IsObject(FieldDescriptor field) =>
        field.FieldType == FieldType.Message
        && !Schemas.IsPlainAmount(field)
        && schemas.ShapeOf(field.MessageType)
            is MessageShape.Fields
                or MessageShape.Money
                or MessageShape.Struct;

    private JsonObject Header(HeaderField header, FieldDescriptor field)
    {
        var parameter = Parameter(header.Name, "header", field);
        parameter["required"] = header.IsRequired;
        if (header.Name == "Idempotency-Key")
            parameter["schema"] = new JsonObject { ["type"] = "string", ["format"] = "uuid" };
        else if (header.IsWait)
            (parameter["schema"], parameter["example"]) = (
                new JsonObject { ["type"] = "string", ["pattern"] = @"^wait=\d+$" },
                "wait=10"
            );
        return parameter;
    }

    private JsonObject PathPart(PathWildcard part, MessageDescriptor input)
    {
        var field = part.Variable is { } variable ? FieldAt(input, variable.Field.Name) : null;
        if (field is not null && part.Pattern.Length == 0)
        {
            var whole = Parameter(part.Name, "path", field);
            whole["required"] = true;
            return whole;
        }
        var text =
            part.Pattern.Length == 0
                ? ""
                : $"One part of {part.Variable?.Field.Name}, which is {part.Pattern}.";
        return Json.Described(
            new JsonObject
            {
                ["name"] = part.Name,
                ["in"] = "path",
                ["required"] = true,
                ["schema"] = new JsonObject { ["type"] = "string" },
                ["example"] = "1",
            },
            text
        );
    }

    private JsonObject Parameter(string name, string place, FieldDescriptor field)
    {
        var schema = schemas.Documented(field);
        var description = schema["description"]?.GetValue<string>() ?? "";
        schema.Remove("description");
        schema.Remove("readOnly");
        schema.Remove("writeOnly");
        var parameter = Json.Described(
            new JsonObject
            {
                ["name"] = name,
                ["in"] = place,
                ["required"] = Schemas.IsRequired(field),
            },
            description
        );
        if (schema.Remove("deprecated"))
            parameter["deprecated"] = true;
        parameter["schema"] = schema;
        if (examples.Request(field) is { } example)
            parameter["example"] = example;
        return parameter;
    }

    private static FieldDescriptor FieldAt(MessageDescriptor message, string path)
    {
        var parts = path.Split('.');
        foreach (var part in parts[..^1])
            message = message.FindFieldByName(part).MessageType;
        return message.FindFieldByName(parts[^1]);
    }
}
