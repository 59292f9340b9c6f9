using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;

namespace Dapr.Common;

/// <summary>Collects what every client needs: addresses, token, JSON rules, channel options.</summary>
public abstract class DaprGenericClientBuilder<TClientBuilder>
    where TClientBuilder : class
{
    private GrpcChannelOptions? _channelOptions;

    /// <summary>Starts from the configuration, then the environment.</summary>
    protected DaprGenericClientBuilder(IConfiguration? configuration = null)
    {
        GrpcEndpoint = DaprDefaults.GetDefaultGrpcEndpoint(configuration);
        HttpEndpoint = DaprDefaults.GetDefaultHttpEndpoint(configuration);
        DaprApiToken = DaprDefaults.GetDefaultDaprApiToken(configuration);
    }

    internal string GrpcEndpoint { get; private set; }

    internal string HttpEndpoint { get; private set; }

    internal string DaprApiToken { get; private set; }

    internal TimeSpan Timeout { get; private set; } = System.Threading.Timeout.InfiniteTimeSpan;

    internal JsonSerializerOptions JsonSerializerOptions { get; private set; } = JsonPayload.Defaults;

    /// <summary>Sets the HTTP address of the sidecar.</summary>
    public DaprGenericClientBuilder<TClientBuilder> UseHttpEndpoint(string httpEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(httpEndpoint);
        HttpEndpoint = httpEndpoint;
        return this;
    }

    /// <summary>Sets the gRPC address of the sidecar.</summary>
    public DaprGenericClientBuilder<TClientBuilder> UseGrpcEndpoint(string grpcEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(grpcEndpoint);
        GrpcEndpoint = grpcEndpoint;
        return this;
    }

    /// <summary>Sets how values become JSON.</summary>
    public DaprGenericClientBuilder<TClientBuilder> UseJsonSerializationOptions(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        JsonSerializerOptions = options;
        return this;
    }

    /// <summary>Replaces the channel's options, its handler included.</summary>
    public DaprGenericClientBuilder<TClientBuilder> UseGrpcChannelOptions(
        GrpcChannelOptions grpcChannelOptions
    )
    {
        ArgumentNullException.ThrowIfNull(grpcChannelOptions);
        _channelOptions = grpcChannelOptions;
        return this;
    }

    /// <summary>Sets the token that calls carry.</summary>
    public DaprGenericClientBuilder<TClientBuilder> UseDaprApiToken(string apiToken)
    {
        DaprApiToken = apiToken;
        return this;
    }

    /// <summary>Bounds calls over HTTP; gRPC calls are bounded by their cancellation token.</summary>
    public DaprGenericClientBuilder<TClientBuilder> UseTimeout(TimeSpan timeout)
    {
        Timeout = timeout;
        return this;
    }

    /// <summary>Makes the client.</summary>
    public abstract TClientBuilder Build();

    internal GrpcChannel BuildChannel() => SidecarChannel.Open(GrpcEndpoint, _channelOptions);

    internal Metadata BuildHeaders() => SidecarChannel.Headers(DaprApiToken);
}
