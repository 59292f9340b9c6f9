using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Tests.Sidecar;

/// <summary>A gRPC app's answers to the sidecar that asks how it is.</summary>
internal sealed class HealthAnswers(Func<bool> isHealthy) : AppCallbackHealthCheck.AppCallbackHealthCheckBase
{
    public override Task<HealthCheckResponse> HealthCheck(Empty request, ServerCallContext context) =>
        isHealthy()
            ? Task.FromResult(new HealthCheckResponse())
            : throw new RpcException(new Status(StatusCode.Unavailable, "ill"));
}
