using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Souk.Gateway.Grpc;
using Souk.Gateway.Routing;
using Souk.Shared;

namespace Souk.Gateway.Http;

/// <summary>
/// One request on its way through: what became known of it, for the answer and the log line.
/// </summary>
internal sealed class Exchange
{
    private const int RequestIdCharsMax = 128;
    private const int ForwardedCharsMax = 512;

    public Exchange(HttpContext context, RequestTrace trace, IReadOnlyList<string> proxies)
    {
        (Context, Trace) = (context, trace);
        RequestId = RequestIdOf(context.Request.Headers["X-Request-Id"].ToString()) ?? TraceId;
        ClientAddress = AddressOf(context, proxies);
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        Path = PathOf(target, context.Request);
    }

    public HttpContext Context { get; }

    public RequestTrace Trace { get; }

    public string TraceId => Trace.TraceId;

    public string RequestId { get; }

    public string ClientAddress { get; }

    /// <summary>The path as it was sent, still encoded.</summary>
    public string Path { get; }

    /// <summary>The verb that routes are looked up by: HEAD is a GET whose body is not sent.</summary>
    public string Method =>
        HttpMethods.IsHead(Context.Request.Method) ? HttpMethods.Get : Context.Request.Method;

    public Route? Route
    {
        get;
        set => (field, Rpc) = (value, value?.Rpc);
    }

    /// <summary>The RPC that the request proved to call.</summary>
    public Rpc? Rpc { get; set; }

    /// <summary>The path, when it is one of the gateway's own.</summary>
    public string? OwnPath { get; set; }

    /// <summary>What the request is as gRPC.</summary>
    public GrpcKind Grpc { get; init; }

    /// <summary>Whether the answer has its ending already.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>The RPC's name for the log; a dash before one is found.</summary>
    public string RpcName => Rpc?.Name ?? "-";

    /// <summary>
    /// The kind of path for logs and metrics: as the contract has it, never as it was sent.
    /// </summary>
    public string Template => Route?.Template.ToString() ?? Rpc?.Path ?? OwnPath ?? "-";

    public Caller Caller { get; set; } = Caller.Anonymous;

    /// <summary>The least share of a rate that is left to the caller, from 1 to 0.</summary>
    public double RateLeft { get; set; } = 1;

    /// <summary>The call's code, for the log and the metrics.</summary>
    public string Code { get; set; } = "OK";

    /// <summary>The error's reason, for the log.</summary>
    public string Reason { get; set; } = "";

    /// <summary>What the service needs to know of the caller beside the message.</summary>
    public void WriteMetadata(List<KeyValuePair<string, string>> metadata)
    {
        var headers = Context.Request.Headers;
        Forward(metadata, "authorization", headers.Authorization.ToString(), int.MaxValue);
        Forward(metadata, "traceparent", Trace.Parent, ForwardedCharsMax);
        Forward(metadata, "tracestate", Trace.State, ForwardedCharsMax);
        Forward(metadata, "x-request-id", RequestId, ForwardedCharsMax);
        Forward(metadata, "x-forwarded-for", ClientAddress, ForwardedCharsMax);
        Forward(metadata, "accept-language", headers.AcceptLanguage.ToString(), ForwardedCharsMax);
    }

    // What HTTP/2 could not carry, or is longer than anybody honest sends, stays here.
    private static void Forward(
        List<KeyValuePair<string, string>> metadata,
        string name,
        string value,
        int charsMax
    )
    {
        if (
            value.Length > 0
            && value.Length <= charsMax
            && !value.AsSpan().ContainsAnyExceptInRange(' ', '~')
        )
            metadata.Add(new(name, value));
    }

    private static string? RequestIdOf(string value) =>
        value.Length is > 0 and <= RequestIdCharsMax
        && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? value
            : null;

    // A proxy adds the address that it saw at the end; entries before it are the caller's word.
    private static string AddressOf(HttpContext context, IReadOnlyList<string> proxies)
    {
        var address = context.Connection.RemoteIpAddress?.ToString() ?? "";
        if (proxies.Count == 0 || !proxies.Contains(address))
            return address;
        var hops = context
            .Request.Headers["X-Forwarded-For"]
            .ToString()
            .Split(',', StringSplitOptions.TrimEntries);
        var client = Array.FindLast(hops, hop => !proxies.Contains(hop));
        return IPAddress.TryParse(client, out var parsed) ? parsed.ToString() : address;
    }

    private static string PathOf(string rawTarget, HttpRequest request)
    {
        if (!rawTarget.StartsWith('/'))
            return request.Path.ToUriComponent();
        var query = rawTarget.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? rawTarget : rawTarget[..query];
    }
}
