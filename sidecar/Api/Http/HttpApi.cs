using Souk.Sidecar.Invoke;

namespace Souk.Sidecar.Api.Http;

/// <summary>The HTTP API: one class per area, each of which adds its own routes.</summary>
internal static class HttpApi
{
    public static void Map(ApiRoutes routes, InvokeRoutes invoke)
    {
        SystemHttp.Map(routes);
        MetricsHttp.Map(routes);
        StateHttp.Map(routes);
        SecretHttp.Map(routes);
        LockHttp.Map(routes);
        BindingHttp.Map(routes);
        new InvokeHttp(invoke).Map(routes);
        new PubSubHttp(TimeProvider.System).Map(routes);
    }
}
