using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;

namespace Dapr.Common;

/// <summary>Opens gRPC channels to the sidecar that survive its restart.</summary>
internal static class SidecarChannel
{
    /// <summary>Carries the API token in both directions.</summary>
    internal const string ApiTokenHeader = "dapr-api-token";

    private static readonly string UserAgent =
        "dapr-sdk-dotnet/" + (typeof(SidecarChannel).Assembly.GetName().Version?.ToString(3) ?? "0.0.0");

    private static readonly ConcurrentDictionary<string, Lazy<GrpcChannel>> SharedChannels = new();

    /// <summary>Opens a channel that its caller owns.</summary>
    internal static GrpcChannel Open(string endpoint, GrpcChannelOptions? options = null) =>
        GrpcChannel.ForAddress(endpoint, options ?? Resilient());

    /// <summary>
    /// One channel per sidecar for all invocation clients of the process: they differ in a header only, and a
    /// service that calls ten others should not hold ten connections to the same port.
    /// </summary>
    internal static GrpcChannel Shared(string endpoint) =>
        SharedChannels.GetOrAdd(endpoint, key => new Lazy<GrpcChannel>(() => Open(key))).Value;

    /// <summary>What every call to the sidecar says about itself.</summary>
    internal static Metadata Headers(string? apiToken)
    {
        var headers = new Metadata { { "user-agent", UserAgent } };
        if (!string.IsNullOrEmpty(apiToken))
            headers.Add(ApiTokenHeader, apiToken);
        return headers;
    }

    /// <summary>
    /// gRPC's own defaults wait up to two minutes before they try a lost peer again. The sidecar is a
    /// neighbour that comes back within seconds, so the pauses here are short.
    /// </summary>
    internal static GrpcChannelOptions Resilient() =>
        new()
        {
            ThrowOperationCanceledOnCancellation = true,
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
            MaxReconnectBackoff = TimeSpan.FromSeconds(2),
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                EnableMultipleHttp2Connections = true,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                PooledConnectionIdleTimeout = System.Threading.Timeout.InfiniteTimeSpan,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                KeepAlivePingDelay = TimeSpan.FromSeconds(15),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            },
        };
}
