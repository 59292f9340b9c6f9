using System.Text.Json.Nodes;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// The API document (OpenAPI 3.1) of every route, made of descriptors and comments: a new RPC is in it
/// without a line of code.
/// </summary>
internal static class ApiDocument
{
    // Other verbs are routes too, but the format has no place for them.
    private static readonly HashSet<string> Verbs =
    [
        "GET",
        "PUT",
        "POST",
        "DELETE",
        "OPTIONS",
        "HEAD",
        "PATCH",
        "TRACE",
    ];

    public static JsonObject Of(Contracts contracts, Comments comments)
    {
        var schemas = new Schemas(comments, new PlanCompiler());
        var reasons = new Reasons(contracts.Files, comments);
        var operations = new Operations(
            comments,
            schemas,
            new Examples(contracts.Files, comments, schemas),
            reasons
        );
        var routes = contracts
            .Routes.Where(route => Verbs.Contains(route.Method))
            .OrderBy(route => route.Rpc.Service, StringComparer.Ordinal)
            .ToArray();
        var paths = Paths(routes, operations);
        schemas.Named[Errors.ProblemName] = ProblemSchema.Of();
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = Info(),
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
            ["tags"] = Tags(routes, comments),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = Json.Object(
                    schemas.Named.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))
                ),
                ["examples"] = Errors.Examples(reasons.All),
                ["securitySchemes"] = new JsonObject { [Operations.TokenScheme] = TokenScheme() },
            },
            ["x-reasons"] = Errors.List(reasons.All),
        };
    }

    private static JsonObject Info() =>
        new()
        {
            ["title"] = "Souk",
            ["version"] = "1",
            ["summary"] = "Commerce as a mesh of services, over REST.",
            ["description"] =
                "Errors are application/problem+json: branch on `reason`, show `title`, which is "
                + "in the language of Accept-Language where known. Calls that take an Idempotency-Key may be "
                + "repeated with the same key: the answer is the first one's. Lists give a `next_page_token` "
                + "until they end. Resources with an `etag` answer If-None-Match with 304.",
        };

    private static JsonObject TokenScheme() =>
        new()
        {
            ["type"] = "http",
            ["scheme"] = "bearer",
            ["bearerFormat"] = "JWT",
            ["description"] = "An access token. An operation lists the roles of which the caller needs one.",
        };

    private static JsonArray Tags(IEnumerable<Route> routes, Comments comments) =>
        Json.Array(
            routes
                .Select(route => route.Rpc.Descriptor.Service)
                .Distinct()
                .Select(service =>
                    Json.Described(
                        new JsonObject { ["name"] = Operations.TagOf(service) },
                        comments.Of(service)
                    )
                )
        );

    private static JsonObject Paths(IEnumerable<Route> routes, Operations operations)
    {
        var paths = new JsonObject();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in routes.GroupBy(PathText.Of))
        {
            var item = new JsonObject();
            foreach (var route in path)
                item[route.Method.ToLowerInvariant()] = operations.Of(route, IdOf(route, ids));
            paths[path.Key] = item;
        }
        return paths;
    }

    // An additional binding of an RPC is an operation of its own: GetOrder, GetOrder_2.
    private static string IdOf(Route route, HashSet<string> taken)
    {
        var id = route.Rpc.Name;
        for (var number = 2; !taken.Add(id); number++)
            id = $"{route.Rpc.Name}_{number}";
        return id;
    }
}
