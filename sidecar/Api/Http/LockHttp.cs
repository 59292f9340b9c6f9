using Dapr.Client.Autogen.Grpc.v1;

namespace Souk.Sidecar.Api.Http;

/// <summary>Locks over HTTP.</summary>
internal static class LockHttp
{
    public static void Map(ApiRoutes routes)
    {
        routes.Post("/v1.0-alpha1/lock/{store}", TryLock);
        routes.Post("/v1.0-alpha1/unlock/{store}", Unlock);
    }

    private static async Task TryLock(ApiCall call)
    {
        var body = await call.JsonAsync();
        var request = new TryLockRequest
        {
            StoreName = call.Value("store"),
            ResourceId = JsonBody.Text(call.App, body, "resourceId") ?? "",
            LockOwner = JsonBody.Text(call.App, body, "lockOwner") ?? "",
            ExpiryInSeconds = JsonBody.Whole(call.App, body, "expiryInSeconds") ?? 0,
        };
        var response = await LockApi.TryLockAsync(call.App, request, call.Cancellation);
        await call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("success", response.Success);
            json.WriteEndObject();
        });
    }

    private static async Task Unlock(ApiCall call)
    {
        var body = await call.JsonAsync();
        var request = new UnlockRequest
        {
            StoreName = call.Value("store"),
            ResourceId = JsonBody.Text(call.App, body, "resourceId") ?? "",
            LockOwner = JsonBody.Text(call.App, body, "lockOwner") ?? "",
        };
        var response = await LockApi.UnlockAsync(call.App, request, call.Cancellation);
        await call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("status", (int)response.Status);
            json.WriteEndObject();
        });
    }
}
