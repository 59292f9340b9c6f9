using Grpc.Core;

namespace Dapr.Workflow.Worker;

/// <summary>Tells a sidecar that is away from one that refuses.</summary>
internal static class Transient
{
    internal static bool Is(RpcException failure) =>
        failure.StatusCode
            is StatusCode.Unavailable
                or StatusCode.DeadlineExceeded
                or StatusCode.Cancelled
                or StatusCode.Aborted
        // A connection that breaks in mid-answer is reported as INTERNAL with the cause attached.
        || failure
            is {
                StatusCode: StatusCode.Internal,
                Status.DebugException: IOException or HttpRequestException
            };
}
