using System.Text.Json;
using Dapr.Common;
using Grpc.Net.Client;

namespace Dapr.Client;

/// <summary>Makes a <see cref="DaprClient"/>; everything has a default from the environment.</summary>
public sealed class DaprClientBuilder
{
    private string _httpEndpoint = DaprDefaults.GetDefaultHttpEndpoint();
    private string _grpcEndpoint = DaprDefaults.GetDefaultGrpcEndpoint();
    private string _apiToken = DaprDefaults.GetDefaultDaprApiToken(null);
    private JsonSerializerOptions _json = JsonPayload.Defaults;
    private GrpcChannelOptions? _channelOptions;
    private TimeSpan _timeout;

    /// <summary>Sets the HTTP address of the sidecar.</summary>
    public DaprClientBuilder UseHttpEndpoint(string httpEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(httpEndpoint);
        _httpEndpoint = httpEndpoint;
        return this;
    }

    /// <summary>Sets the gRPC address of the sidecar.</summary>
    public DaprClientBuilder UseGrpcEndpoint(string grpcEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(grpcEndpoint);
        _grpcEndpoint = grpcEndpoint;
        return this;
    }

    /// <summary>Sets how values become JSON.</summary>
    public DaprClientBuilder UseJsonSerializationOptions(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _json = options;
        return this;
    }

    /// <summary>Replaces the channel's options, its handler included.</summary>
    public DaprClientBuilder UseGrpcChannelOptions(GrpcChannelOptions grpcChannelOptions)
    {
        ArgumentNullException.ThrowIfNull(grpcChannelOptions);
        _channelOptions = grpcChannelOptions;
        return this;
    }

    /// <summary>Sets the token that calls carry.</summary>
    public DaprClientBuilder UseDaprApiToken(string apiToken)
    {
        _apiToken = apiToken;
        return this;
    }

    /// <summary>Bounds calls over HTTP; gRPC calls are bounded by their cancellation token.</summary>
    public DaprClientBuilder UseTimeout(TimeSpan timeout)
    {
        _timeout = timeout;
        return this;
    }

    /// <summary>Makes the client, which owns its connections.</summary>
    public DaprClient Build()
    {
        if (!Uri.TryCreate(_grpcEndpoint, UriKind.Absolute, out var grpc) || !IsHttp(grpc))
            throw new InvalidOperationException("The gRPC endpoint must be an http or https URL.");
        if (!Uri.TryCreate(_httpEndpoint, UriKind.Absolute, out var http) || !IsHttp(http))
            throw new InvalidOperationException("The HTTP endpoint must be an http or https URL.");

        var httpClient = new HttpClient { BaseAddress = http };
        if (_timeout > TimeSpan.Zero)
            httpClient.Timeout = _timeout;
        return new DaprClientGrpc(
            SidecarChannel.Open(_grpcEndpoint, _channelOptions),
            httpClient,
            SidecarChannel.Headers(_apiToken),
            _json
        );
    }

    private static bool IsHttp(Uri uri) => uri.Scheme is "http" or "https";
}
