using Grpc.Core;

namespace Souk.Sidecar.Invoke;

/// <summary>Status codes of one protocol in the other's words, as Dapr translates them.</summary>
internal static class StatusMap
{
    public static int ToHttp(StatusCode code) =>
        code switch
        {
            StatusCode.OK => 200,
            StatusCode.Cancelled => 408,
            StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange => 400,
            StatusCode.DeadlineExceeded => 504,
            StatusCode.NotFound => 404,
            StatusCode.AlreadyExists or StatusCode.Aborted => 409,
            StatusCode.PermissionDenied => 403,
            StatusCode.Unauthenticated => 401,
            StatusCode.ResourceExhausted => 429,
            StatusCode.Unimplemented => 501,
            StatusCode.Unavailable => 503,
            _ => 500,
        };

    public static StatusCode ToGrpc(int status) =>
        status switch
        {
            >= 200 and < 300 => StatusCode.OK,
            // As the gRPC project maps a bad request: the two ends did not understand each other.
            400 => StatusCode.Internal,
            401 => StatusCode.Unauthenticated,
            403 => StatusCode.PermissionDenied,
            404 => StatusCode.NotFound,
            408 => StatusCode.Cancelled,
            409 => StatusCode.AlreadyExists,
            429 => StatusCode.ResourceExhausted,
            501 => StatusCode.Unimplemented,
            503 => StatusCode.Unavailable,
            504 => StatusCode.DeadlineExceeded,
            _ => StatusCode.Unknown,
        };
}
