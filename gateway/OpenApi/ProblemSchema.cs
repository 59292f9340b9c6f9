using System.Text.Json.Nodes;

namespace Souk.Gateway.OpenApi;

/// <summary>The schema of an error's body, as ProblemJson writes it.</summary>
internal static class ProblemSchema
{
    private const string Text = """
        {
          "type": "object",
          "description": "What went wrong (RFC 9457). Branch on reason, show title, quote trace_id to the operators.",
          "required": ["type", "title", "status", "code", "reason", "domain", "metadata", "violations", "trace_id"],
          "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Where the error is explained." },
            "title": { "type": "string", "description": "What it means, for people, in their language where known." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "What happened this time, for developers, in English." },
            "code": { "type": "string", "description": "The gRPC status code's name." },
            "reason": { "type": "string", "description": "Stable id of the error." },
            "domain": { "type": "string", "description": "Whose reason it is, such as souk.catalog." },
            "metadata": {
              "type": "object",
              "additionalProperties": { "type": "string" },
              "description": "Facts about the error by name, such as the units that are left."
            },
            "violations": {
              "type": "array",
              "description": "Fields of the request and what is wrong with each.",
              "items": {
                "type": "object",
                "required": ["field", "description"],
                "properties": {
                  "field": { "type": "string", "description": "Its path in the request." },
                  "description": { "type": "string", "description": "What is wrong, in their language where known." }
                }
              }
            },
            "retry_after_ms": { "type": "integer", "description": "Wait this long before trying again." },
            "trace_id": { "type": "string", "description": "Finds the call in the operators' traces." }
          }
        }
        """;

    public static JsonObject Of() => JsonNode.Parse(Text)?.AsObject() ?? [];
}
