using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Sidecar.Api;

/// <summary>
/// An error of the API as both of its faces tell it: gRPC status with details, HTTP status with a code.
/// </summary>
internal sealed class DaprException(Status status, Metadata trailers, int httpStatus, string errorCode)
    : RpcException(status, trailers)
{
    public int HttpStatus => httpStatus;

    public string ErrorCode => errorCode;

    /// <summary>Empty for an error without a reason of its own.</summary>
    public IReadOnlyList<Any> Details { get; init; } = [];
}
