using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Shared;

/// <summary>The own sidecar: one HTTP/2 channel that every outgoing call shares, and its health.</summary>
public sealed class Sidecar : IDisposable
{
    private const int MessageMax = 4 * 1024 * 1024;
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(1);

    private readonly GrpcChannel _channel;
    private readonly HttpClient _http;

    /// <summary>Connects, lazily, to the ports in the settings.</summary>
    public Sidecar(ServiceSettings settings)
    {
        _channel = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{settings.DaprGrpcPort}",
            new GrpcChannelOptions
            {
                // By default a lost peer is tried again after up to two minutes; this one comes back soon.
                InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
                MaxReconnectBackoff = TimeSpan.FromSeconds(2),
                MaxReceiveMessageSize = MessageMax,
                MaxSendMessageSize = MessageMax,
                HttpHandler = new SocketsHttpHandler
                {
                    EnableMultipleHttp2Connections = true,
                    PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                    KeepAlivePingDelay = TimeSpan.FromSeconds(30),
                    KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                },
                DisposeHttpClient = true,
            }
        );
        Invoker =
            settings.DaprApiToken.Length == 0
                ? _channel.CreateCallInvoker()
                : _channel.Intercept(headers =>
                {
                    headers.Add("dapr-api-token", settings.DaprApiToken);
                    return headers;
                });
        Dapr = new DaprApi.DaprClient(Invoker);
        _http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{settings.DaprHttpPort}"),
            Timeout = HealthTimeout,
        };
    }

    /// <summary>Calls through the sidecar.</summary>
    public CallInvoker Invoker { get; }

    /// <summary>Dapr's own API.</summary>
    public DaprApi.DaprClient Dapr { get; }

    /// <summary>Whether the sidecar and its components are ready for outgoing calls.</summary>
    public async Task<bool> IsHealthyAsync(CancellationToken token)
    {
        try
        {
            using var reply = await _http.GetAsync(
                "/v1.0/healthz/outbound",
                HttpCompletionOption.ResponseHeadersRead,
                token
            );
            return reply.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            token.ThrowIfCancellationRequested();
            return false;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _channel.Dispose();
        _http.Dispose();
    }
}
