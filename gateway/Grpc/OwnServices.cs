using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Security;
using Souk.Gateway.Streams;
using Souk.Shared;

namespace Souk.Gateway.Grpc;

/// <summary>The gRPC services of the gateway itself: health and reflection.</summary>
internal sealed class OwnServices(RateGate rates, OpenStreams streams)
{
    private const string Prefix = "/grpc.";

    private RequestDelegate? _serve;

    /// <summary>Whether a path belongs to gRPC itself and not to a contract.</summary>
    public static bool Has(PathString path) =>
        path.HasValue && path.Value.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Builds the branch that serves them.</summary>
    public void Map(WebApplication app)
    {
        var branch = ((IApplicationBuilder)app).New();
        branch.UseRouting();
        branch.UseEndpoints(endpoints =>
        {
            endpoints.MapGrpcService<GatewayHealth>();
            endpoints.MapGrpcService<ReflectionService>();
            endpoints.MapGrpcService<AlphaReflectionService>();
        });
        _serve = branch.Build();
    }

    public async Task<Problem?> ServeAsync(Exchange exchange)
    {
        rates.CheckAddress(exchange);
        // Most of these calls are streams that last.
        using var slot = streams.Take(exchange);
        exchange.IsAnswered = true;
        await (_serve?.Invoke(exchange.Context) ?? Task.CompletedTask);
        return null;
    }
}
