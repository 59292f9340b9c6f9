using System.Text;
using Grpc.Core;

namespace Souk.Sidecar.Api.Http;

/// <summary>What a sidecar says of itself, and how it is told to stop.</summary>
internal static class SystemHttp
{
    public static void Map(ApiRoutes routes)
    {
        routes.Get("/v1.0/healthz", Health);
        routes.Get("/v1.0/healthz/outbound", HealthOfOutbound);
        routes.Get("/v1.0/metadata", GetMetadata);
        routes.Put("/v1.0/metadata/{key}", SetMetadata);
        routes.Post("/v1.0/shutdown", Shutdown);
    }

    private static Task Health(ApiCall call)
    {
        var wanted = call.Query("appid");
        if (wanted.Length > 0 && wanted != call.App.AppId)
            throw NotReady(call, "ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match");
        if (!call.App.IsReady)
            throw NotReady(call, "ERR_HEALTH_NOT_READY", "dapr is not ready");
        return call.NoContentAsync();
    }

    // Components are open before any port is: whoever can ask this may call out, until the end.
    private static Task HealthOfOutbound(ApiCall call) =>
        call.App.Admission.IsOpen ? call.NoContentAsync() : throw DaprFault.ShuttingDown(call.App);

    private static Task GetMetadata(ApiCall call)
    {
        var metadata = MetadataApi.Get(call.App);
        return call.AnswerAsync(json => MetadataJson.Write(json, metadata));
    }

    private static async Task SetMetadata(ApiCall call)
    {
        var value = await call.BodyAsync();
        call.App.ExtendedMetadata[call.Value("key")] = Encoding.UTF8.GetString(value.Span);
        await call.NoContentAsync();
    }

    private static Task Shutdown(ApiCall call)
    {
        call.App.RequestShutdown();
        return call.NoContentAsync();
    }

    private static DaprException NotReady(ApiCall call, string errorCode, string message) =>
        DaprFault.Bare(call.App, StatusCode.Internal, 500, errorCode, message);
}
