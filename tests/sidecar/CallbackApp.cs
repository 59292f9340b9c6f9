using Dapr.AppCallback.Autogen.Grpc.v1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>A gRPC app whose callbacks a test writes itself.</summary>
internal static class CallbackApp
{
    internal static async Task<LoopbackServer> StartAsync<T>(T callbacks)
        where T : AppCallback.AppCallbackBase
    {
        var app = new LoopbackServer(
            HttpProtocols.Http2,
            web => web.MapGrpcService<T>(),
            services =>
            {
                services.AddGrpc();
                services.AddSingleton(callbacks);
            }
        );
        await app.UpAsync();
        return app;
    }
}
