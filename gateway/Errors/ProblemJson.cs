using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Errors;

/// <summary>Writes a problem as application/problem+json.</summary>
internal static class ProblemJson
{
    public const string MediaType = "application/problem+json";

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
    };

    /// <summary>Where the reference page explains the error.</summary>
    public static string TypeOf(string domain, string reason) => $"/docs#{domain}.{reason}";

    public static async Task WriteAsync(HttpContext context, Problem problem, string traceId)
    {
        var response = context.Response;
        using var json = new PooledBuffer();
        Write(problem.For(context.Request.Headers.AcceptLanguage.ToString()), traceId, json);
        response.StatusCode = problem.HttpStatus;
        response.ContentType = MediaType;
        response.ContentLength = json.Length;
        response.Headers.ContentLanguage = LanguagesOf(problem);
        response.Headers.CacheControl = "no-store";
        // The rest of the body is in the way of whatever would follow on the connection.
        if (problem.HttpStatus == StatusCodes.Status413PayloadTooLarge)
            response.Headers.Connection = "close";
        if (problem.HttpStatus == StatusCodes.Status401Unauthorized)
            response.Headers.WWWAuthenticate = "Bearer";
        if (problem.Allow.Count > 0)
            response.Headers.Allow = string.Join(", ", problem.Allow);
        if (problem.RetryAfter is { } delay)
            response.Headers.RetryAfter = Seconds(delay).ToString(CultureInfo.InvariantCulture);
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(json.WrittenMemory, context.RequestAborted);
    }

    public static void Write(Problem problem, string traceId, PooledBuffer target)
    {
        using var json = new Utf8JsonWriter(target, Options);
        json.WriteStartObject();
        json.WriteString("type", TypeOf(problem.Domain, problem.Reason));
        json.WriteString("title", problem.Title);
        json.WriteNumber("status", problem.HttpStatus);
        if (problem.Detail.Length > 0)
            json.WriteString("detail", problem.Detail);
        json.WriteString("code", problem.CodeName);
        json.WriteString("reason", problem.Reason);
        json.WriteString("domain", problem.Domain);
        json.WriteStartObject("metadata");
        foreach (var (key, value) in problem.Metadata)
            json.WriteString(key, value);
        json.WriteEndObject();
        json.WriteStartArray("violations");
        foreach (var violation in problem.Violations ?? [])
        {
            json.WriteStartObject();
            json.WriteString("field", violation.Field);
            json.WriteString("description", problem.TextOf(violation));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (problem.RetryAfter is { } delay)
            json.WriteNumber("retry_after_ms", (long)delay.TotalMilliseconds);
        json.WriteString("trace_id", traceId);
        json.WriteEndObject();
    }

    // Title and violations are in the reader's language, the detail is always in English.
    private static string LanguagesOf(Problem problem) =>
        problem.Language == ErrorTexts.Default || (problem.Detail.Length == 0 && problem.Violations is null)
            ? problem.Language
            : $"{problem.Language}, {ErrorTexts.Default}";

    private static long Seconds(TimeSpan delay) => Math.Max(1, (long)Math.Ceiling(delay.TotalSeconds));
}
