using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Sidecar.Secrets;

namespace Souk.Sidecar.Api;

/// <summary>Secrets, whatever the caller speaks.</summary>
internal static class SecretApi
{
    public static GetSecretResponse Get(SidecarApp app, GetSecretRequest request)
    {
        var store = StoreOf(app, request.StoreName);
        if (!app.Configuration.Secrets.Allows(request.StoreName, request.Key))
            throw DaprFault.Bare(
                app,
                StatusCode.PermissionDenied,
                403,
                "ERR_PERMISSION_DENIED",
                $"access denied by policy to get {request.Key} from {request.StoreName}"
            );
        if (store.Store.Find(request.Key) is not { } values)
            throw DaprFault.Bare(
                app,
                StatusCode.Internal,
                500,
                "ERR_SECRET_GET",
                $"failed getting secret with key {request.Key} from secret store {request.StoreName}: "
                    + $"secret {request.Key} not found"
            );
        var response = new GetSecretResponse();
        foreach (var (name, value) in values)
            response.Data.Add(name, value);
        return response;
    }

    public static GetBulkSecretResponse GetAll(SidecarApp app, GetBulkSecretRequest request)
    {
        var response = new GetBulkSecretResponse();
        foreach (var (name, values) in StoreOf(app, request.StoreName).Store.All)
        {
            if (!app.Configuration.Secrets.Allows(request.StoreName, name))
                continue;
            var secret = new SecretResponse();
            foreach (var (key, value) in values)
                secret.Secrets.Add(key, value);
            response.Data.Add(name, secret);
        }
        return response;
    }

    private static SecretComponent StoreOf(SidecarApp app, string name)
    {
        if (app.Components.Secrets.Count == 0)
            throw DaprFault.Bare(
                app,
                StatusCode.FailedPrecondition,
                500,
                "ERR_SECRET_STORES_NOT_CONFIGURED",
                "secret store is not configured"
            );
        return app.Components.Secret(name)
            ?? throw DaprFault.Bare(
                app,
                StatusCode.InvalidArgument,
                401,
                "ERR_SECRET_STORE_NOT_FOUND",
                $"failed finding secret store with key {name}"
            );
    }
}
