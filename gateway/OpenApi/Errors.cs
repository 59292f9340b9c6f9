using System.Text.Json.Nodes;
using Souk.Gateway.Errors;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// The answers of a route that went wrong: one a status, each with its reasons and an example.
/// </summary>
internal static class Errors
{
    /// <summary>The schema of an error's body.</summary>
    public const string ProblemName = "Problem";
    private const string ExamplePath = "#/components/examples/";

    /// <summary>Adds an answer for each status that the reasons have.</summary>
    public static void AddTo(JsonObject responses, IEnumerable<ReasonEntry> reasons)
    {
        foreach (var status in reasons.GroupBy(reason => reason.HttpStatus))
            responses[$"{status.Key}"] = Response([.. status]);
        responses["default"] = new JsonObject
        {
            ["description"] = "Any other error.",
            ["content"] = Content(Json.Reference(Json.SchemaPath + ProblemName)),
        };
    }

    public static JsonObject Examples(IEnumerable<ReasonEntry> reasons) =>
        Json.Object(reasons.Select(reason => KeyValuePair.Create(reason.Key, (JsonNode?)Example(reason))));

    /// <summary>Every reason with its words, for pages that list them.</summary>
    public static JsonArray List(IEnumerable<ReasonEntry> reasons) =>
        Json.Array(
            reasons.Select(reason => new JsonObject
            {
                ["reason"] = reason.Name,
                ["domain"] = reason.Domain,
                ["code"] = Problem.NameOf(reason.Code),
                ["status"] = reason.HttpStatus,
                ["description"] = reason.Text,
            })
        );

    private static JsonObject Response(IReadOnlyList<ReasonEntry> reasons)
    {
        var names = reasons.Select(reason => reason.Name).Distinct(StringComparer.Ordinal);
        var schema = new JsonObject
        {
            ["allOf"] = new JsonArray(
                Json.Reference(Json.SchemaPath + ProblemName),
                new JsonObject
                {
                    ["properties"] = new JsonObject
                    {
                        ["reason"] = new JsonObject { ["enum"] = Json.Texts(names) },
                    },
                }
            ),
        };
        var content = Content(schema);
        content[ProblemJson.MediaType]!["examples"] = Json.Object(
            reasons.Select(reason =>
                KeyValuePair.Create(reason.Key, (JsonNode?)Json.Reference(ExamplePath + reason.Key))
            )
        );
        return new JsonObject
        {
            ["description"] = ErrorTexts.All.OfStatus(ErrorTexts.Default, reasons[0].HttpStatus) + ".",
            ["content"] = content,
        };
    }

    private static JsonObject Content(JsonObject schema) =>
        new() { [ProblemJson.MediaType] = new JsonObject { ["schema"] = schema } };

    private static JsonObject Example(ReasonEntry reason)
    {
        var value = new JsonObject
        {
            ["type"] = ProblemJson.TypeOf(reason.Domain, reason.Name),
            ["title"] = reason.Title,
            ["status"] = reason.HttpStatus,
            ["detail"] = reason.Text,
            ["code"] = Problem.NameOf(reason.Code),
            ["reason"] = reason.Name,
            ["domain"] = reason.Domain,
            ["metadata"] = new JsonObject(),
            ["violations"] = new JsonArray(),
            ["trace_id"] = "4bf92f3577b34da6a3ce929d0e0e4736",
        };
        return new JsonObject { ["summary"] = reason.Text, ["value"] = value };
    }
}
