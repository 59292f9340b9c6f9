using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Souk.Tests.Harness;

namespace Souk.Tests.Standins;

/// <summary>
/// The echo service on a real Kestrel, plain HTTP/2 on a loopback port, and a channel to it.
/// </summary>
internal sealed class GrpcServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GrpcServer(WebApplication app, GrpcChannel channel, GrpcSeen seen, GrpcWire wire)
    {
        _app = app;
        Channel = channel;
        Seen = seen;
        Wire = wire;
    }

    public GrpcChannel Channel { get; }

    public GrpcSeen Seen { get; }

    public GrpcWire Wire { get; }

    public GrpcEchoClient Client => new(Channel);

    public static async Task<GrpcServer> StartAsync(
        Action<GrpcServiceOptions>? options = null,
        Action<GrpcChannelOptions>? channelOptions = null
    )
    {
        var seen = new GrpcSeen();
        var builder = Loopback.Builder((0, HttpProtocols.Http2));
        builder.Services.AddGrpc(grpc => options?.Invoke(grpc));
        builder.Services.AddSingleton(seen);
        var app = builder.Build();
        app.MapGrpcService<GrpcEchoService>();
        await app.StartAsync();

        var wire = new GrpcWire();
        var channel = new GrpcChannelOptions { HttpHandler = wire, DisposeHttpClient = true };
        channelOptions?.Invoke(channel);
        return new GrpcServer(app, GrpcChannel.ForAddress(app.Urls.Single(), channel), seen, wire);
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _app.DisposeAsync();
    }
}

/// <summary>Notes how the last response was encoded, which the gRPC client keeps to itself.</summary>
internal sealed class GrpcWire() : DelegatingHandler(new SocketsHttpHandler())
{
    public string? ResponseEncoding { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var response = await base.SendAsync(request, cancellationToken);
        ResponseEncoding = response.Headers.TryGetValues("grpc-encoding", out var values)
            ? values.Single()
            : null;
        return response;
    }
}
