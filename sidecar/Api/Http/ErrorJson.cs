using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Api.Http;

/// <summary>An error as the HTTP API tells it: code, message, and the details gRPC callers get.</summary>
internal static class ErrorJson
{
    // Messages name things in single quotes, which stay readable this way.
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Task AnswerAsync(HttpContext context, DaprException fault) =>
        AnswerAsync(context, fault.HttpStatus, fault.ErrorCode, fault.Status.Detail, fault.Details);

    public static async Task AnswerAsync(
        HttpContext context,
        int status,
        string errorCode,
        string message,
        IReadOnlyList<Any>? details = null
    )
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, Plain);
        json.WriteStartObject();
        json.WriteString("errorCode", errorCode);
        json.WriteString("message", message);
        if (details is { Count: > 0 })
        {
            json.WriteStartArray("details");
            foreach (var detail in details)
                Write(json, detail);
            json.WriteEndArray();
        }
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private static void Write(Utf8JsonWriter json, Any detail)
    {
        json.WriteStartObject();
        json.WriteString("@type", detail.TypeUrl);
        if (detail.TryUnpack<ErrorInfo>(out var info))
            Write(json, info);
        else if (detail.TryUnpack<ResourceInfo>(out var resource))
            Write(json, resource);
        else if (detail.TryUnpack<BadRequest>(out var bad))
            Write(json, bad);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ErrorInfo info)
    {
        json.WriteString("reason", info.Type);
        json.WriteString("domain", info.Domain);
        json.WriteStartObject("metadata");
        foreach (var (name, value) in info.Metadata)
            json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ResourceInfo resource)
    {
        json.WriteString("resource_type", resource.ResourceType);
        json.WriteString("resource_name", resource.ResourceName);
        json.WriteString("owner", resource.Owner);
        json.WriteString("description", resource.Description);
    }

    private static void Write(Utf8JsonWriter json, BadRequest bad)
    {
        json.WriteStartArray("field_violations");
        foreach (var violation in bad.FieldViolations)
        {
            json.WriteStartObject();
            json.WriteString("field", violation.Field);
            json.WriteString("description", violation.Description);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
