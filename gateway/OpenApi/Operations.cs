using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Souk.Gateway.Routing;
using Souk.Options.V1;
using Souk.Shared;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Souk.Gateway.OpenApi;

/// <summary>Describes a route: what it does, who may call it, what goes in and what comes out.</summary>
internal sealed class Operations(Comments comments, Schemas schemas, Examples examples, Reasons reasons)
{
    public const string TokenScheme = "token";
    private const string AnyType = "application/octet-stream";

    private readonly Parameters _parameters = new(schemas, examples);

    public JsonObject Of(Route route, string id)
    {
        var rpc = route.Rpc;
        var comment = comments.Of(rpc.Descriptor);
        var operation = new JsonObject
        {
            ["operationId"] = id,
            ["tags"] = Json.Texts([TagOf(rpc.Descriptor.Service)]),
            ["summary"] = comments.SummaryOf(rpc.Descriptor),
            ["description"] = $"{comment}\n\n{WhoMayCall(rpc.Access)}".Trim(),
        };
        if (rpc.Descriptor.GetOptions() is { Deprecated: true })
            operation["deprecated"] = true;
        operation["security"] = Security(rpc);
        var parameters = _parameters.Of(route);
        if (parameters.Count > 0)
            operation["parameters"] = parameters;
        if (RequestBody(route) is { } body)
            operation["requestBody"] = body;
        Sockets.Mark(operation, route, schemas);
        var responses = rpc.IsClientStreaming ? Sockets.Success() : Success(route);
        Errors.AddTo(responses, reasons.Of(route, comment));
        operation["responses"] = responses;
        return operation;
    }

    /// <summary>CatalogService is "Catalog".</summary>
    public static string TagOf(ServiceDescriptor service) =>
        service.Name.EndsWith("Service", StringComparison.Ordinal)
            ? service.Name[..^"Service".Length]
            : service.Name;

    private static string WhoMayCall(Access? access)
    {
        var who = access switch
        {
            { Public: true } => "Anybody may call.",
            { Authenticated: true } => "Anybody with a token may call.",
            { } rule => $"Roles: {string.Join(", ", rule.Roles.Select(RoleSet.Name))}.",
            null => "Nobody may call.",
        };
        return access is { OwnResource: true } ? $"{who} Only resources of the caller's own." : who;
    }

    // Roles stand where OAuth has scopes: OpenAPI 3.1 allows it for every scheme.
    private static JsonArray Security(Rpc rpc)
    {
        var token = new JsonObject { [TokenScheme] = Json.Texts(rpc.Roles.Names()) };
        return rpc.IsPublic ? [new JsonObject(), token] : [token];
    }

    private JsonObject? RequestBody(Route route)
    {
        var input = route.Rpc.Descriptor.InputType;
        if (route.Body == BodyKind.None)
            return null;
        if (route.Body == BodyKind.Raw)
            return Body(AnyType, Bytes(), null, true);
        if (route.BodyField is { } body)
        {
            var field = input.FindFieldByName(body.Name);
            return Body(Json.MediaType, schemas.Documented(field), examples.Request(field), true);
        }
        var taken = Parameters.TakenBy(route);
        bool IsLeft(FieldDescriptor field) => !taken.Contains(field.Name);
        var schema = schemas.Object(input, IsLeft);
        var isRequired = schema["required"] is not null;
        return Body(Json.MediaType, schema, examples.Request(input, IsLeft), isRequired);
    }

    private static JsonObject Body(string type, JsonObject schema, JsonNode? example, bool isRequired)
    {
        var media = new JsonObject { ["schema"] = schema };
        if (example is not null)
            media["example"] = example;
        return new JsonObject
        {
            ["required"] = isRequired,
            ["content"] = new JsonObject { [type] = media },
        };
    }

    private JsonObject Success(Route route)
    {
        var output = route.Rpc.Descriptor.OutputType;
        var part = route.ResponseBody is { } field ? output.FindFieldByName(field.Name) : null;
        JsonObject Schema() => part is null ? schemas.Of(output) : schemas.Of(part);
        JsonObject Media()
        {
            var media = new JsonObject { ["schema"] = Schema() };
            var example = part is null ? examples.Response(output) : examples.Response(part);
            if (example is not null)
                media["example"] = example;
            return media;
        }

        var content =
            route.IsRawResponse ? new JsonObject { ["*/*"] = new JsonObject { ["schema"] = Bytes() } }
            : route.Rpc.IsServerStreaming ? Streams(Schema)
            : new JsonObject { [Json.MediaType] = Media() };
        var ok = Json.Described(new JsonObject(), DescriptionOf(route, part is null ? output : null));
        if (Headers(route) is { Count: > 0 } headers)
            ok["headers"] = headers;
        ok["content"] = content;
        var responses = new JsonObject { ["200"] = ok };
        if (route.IsSafe && route.Rpc.ResponseHeaders.Any(header => header.Header?.Name == "ETag"))
            responses["304"] = new JsonObject
            {
                ["description"] = "If-None-Match names the present version.",
            };
        return responses;
    }

    private string DescriptionOf(Route route, MessageDescriptor? output)
    {
        if (route.IsRawResponse)
            return "The bytes, with a media type of their own.";
        if (route.Rpc.IsServerStreaming)
            return "The messages as they come: one JSON object a line, or server-sent events by Accept.";
        return output is not null && comments.SummaryOf(output) is { Length: > 0 } text
            ? $"{text}."
            : "Done.";
    }

    // Each line and each event's data is one message.
    private static JsonObject Streams(Func<JsonObject> schema) =>
        new()
        {
            ["application/x-ndjson"] = new JsonObject { ["schema"] = schema() },
            ["text/event-stream"] = new JsonObject { ["schema"] = schema() },
        };

    private JsonObject Headers(Route route) =>
        Json.Object(
            route.Rpc.ResponseHeaders.Select(field =>
                KeyValuePair.Create(
                    field.Header?.Name ?? "",
                    (JsonNode?)Header(route.Rpc.Descriptor.OutputType, field.Name)
                )
            )
        );

    private JsonObject Header(MessageDescriptor output, string field) =>
        Json.Described(
            new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } },
            comments.OfField(output.FindFieldByName(field))
        );

    // In OpenAPI 3.1 a schema without a type is for bytes of any kind.
    private static JsonObject Bytes() => [];
}
