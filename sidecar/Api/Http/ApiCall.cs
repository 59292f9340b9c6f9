using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Api.Http;

/// <summary>One request of the HTTP API, and what its handler may say to it.</summary>
internal sealed class ApiCall(HttpContext context)
{
    private const string MetadataPrefix = "metadata.";

    public HttpContext Context => context;

    public SidecarApp App { get; } = context.Features.GetRequiredFeature<SidecarApp>();

    public CancellationToken Cancellation => context.RequestAborted;

    public TraceContext Trace => new(context.Request.Headers.TraceParent, context.Request.Headers.TraceState);

    /// <summary>The path as the caller wrote it, without the query: nothing decoded.</summary>
    public string RawPath
    {
        get
        {
            var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            var query = target.IndexOf('?', StringComparison.Ordinal);
            return query < 0 ? target : target[..query];
        }
    }

    /// <summary>
    /// A part of the path by its name in the route, decoded once. Routing itself leaves %2F alone, so that it
    /// cannot tell an encoded slash from the text "%2F"; the raw path can.
    /// </summary>
    public string Value(string name)
    {
        var routed = context.Request.RouteValues[name]?.ToString() ?? "";
        if (!RawPath.Contains('%', StringComparison.Ordinal))
            return routed;
        var segments = RawPath.Split('/').AsSpan(1);
        var pattern = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.PathSegments ?? [];
        for (var i = 0; i < pattern.Count && i < segments.Length; i++)
        {
            if (pattern[i].Parts is not [RoutePatternParameterPart part] || part.Name != name)
                continue;
            var raw = part.IsCatchAll ? string.Join('/', segments[i..]!) : segments[i];
            return Uri.UnescapeDataString(raw);
        }
        return routed;
    }

    /// <summary>A query parameter; empty when it is not there.</summary>
    public string Query(string name) => context.Request.Query[name].ToString();

    public string Header(string name) => context.Request.Headers[name].ToString();

    /// <summary>The query parameters named <c>metadata.X</c>, as X.</summary>
    public Dictionary<string, string> Metadata()
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in context.Request.Query)
        {
            if (name.StartsWith(MetadataPrefix, StringComparison.Ordinal))
                metadata[name[MetadataPrefix.Length..]] = value.ToString();
        }
        return metadata;
    }

    /// <summary>The whole body; more than the app's limit ends the request with 413.</summary>
    public ValueTask<ReadOnlyMemory<byte>> BodyAsync() =>
        context.Request.BodyReader.ReadWholeAsync(Cancellation);

    /// <summary>The body as JSON; 400 ERR_MALFORMED_REQUEST when it is none.</summary>
    public async Task<JsonElement> JsonAsync()
    {
        var body = await BodyAsync();
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw DaprFault.Malformed(App, $"failed deserializing HTTP body: {e.Message}");
        }
    }

    public Task NoContentAsync()
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    public async Task AnswerAsync(Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        write(json);
        await json.FlushAsync(Cancellation);
    }

    public async Task AnswerAsync(ReadOnlyMemory<byte> body, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, Cancellation);
    }
}
