using Grpc.Core;
using Souk.Gateway.Transcoding;
using Souk.Shared;
using Souk.Type;
using Status = Google.Rpc.Status;

namespace Souk.Gateway.Http;

/// <summary>Turns whatever went wrong into the status that the caller is told.</summary>
internal static class Failures
{
    /// <summary>Null for what nobody foresaw: a fault of ours, to be logged with its story.</summary>
    public static Status? StatusOf(Exception error, bool isAborted) =>
        error switch
        {
            RpcException fault => Fault.StatusOf(fault),
            BadRequestException bad => Fault.StatusOf(Of(bad)),
            BadHttpRequestException bad => Fault.StatusOf(Of(bad)),
            OperationCanceledException when !isAborted => Fault.StatusOf(Fault.DeadlineExceeded()),
            OperationCanceledException => Fault.StatusOf(Fault.Cancelled()),
            HttpRequestException or IOException when isAborted => Fault.StatusOf(Fault.Cancelled()),
            HttpRequestException or IOException => Fault.StatusOf(
                Fault.Unavailable(Reason.DependencyUnavailable, "The service cannot be reached now.")
            ),
            _ => null,
        };

    private static RpcException Of(BadRequestException bad) =>
        Fault.InvalidArgument(
            bad.Reason,
            [new Violation(bad.Field.Length == 0 ? "body" : bad.Field, bad.Description)]
        );

    private static RpcException Of(BadHttpRequestException bad) =>
        bad.StatusCode == StatusCodes.Status413PayloadTooLarge
            ? Fault.ResourceExhausted(Reason.TooLarge, "The body is too large.")
            : Fault.InvalidArgument(Reason.InvalidField, "body", "cannot be read");
}
