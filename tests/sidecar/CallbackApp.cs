using Dapr.AppCallback.Autogen.Grpc.v1;
using Microsoft.AspNetCore.Builder;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>A gRPC app whose callbacks a test writes itself.</summary>
internal static class CallbackApp
{
    internal static async Task<LoopbackServer> StartAsync<T>(T callbacks)
        where T : AppCallback.AppCallbackBase
    {
        var app = LoopbackServer.Grpc(web => web.MapGrpcService<T>(), callbacks);
        await app.UpAsync();
        return app;
    }
}
