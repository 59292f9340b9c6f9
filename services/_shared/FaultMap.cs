using System.Diagnostics;
using Grpc.Core;
using Npgsql;
using Souk.Type;

namespace Souk.Shared;

/// <summary>Turns whatever an RPC threw into a fault that a caller may see.</summary>
internal static class FaultMap
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    internal static string TraceId => Activity.Current?.TraceId.ToHexString() ?? "none";

    internal static RpcException From(Exception error, ServerCallContext context) =>
        error switch
        {
            RpcException rpc => FromRpc(rpc),
            OperationCanceledException => Ended(context),
            // The server cancels a statement when its call ends, and PostgreSQL reports that in its own
            // words.
            _ when context.CancellationToken.IsCancellationRequested => Ended(context),
            PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => Busy(),
            NpgsqlException { IsTransient: true } => Busy(),
            NpgsqlException { InnerException: TimeoutException or System.Net.Sockets.SocketException } =>
                Busy(),
            _ => Fault.Internal(TraceId),
        };

    // What another service answered passes with its reasons. A status without them comes from the network
    // between us: it keeps its code where that says something to a caller, and its text, which may name
    // hosts, stays here.
    private static RpcException FromRpc(RpcException error)
    {
        if (error.Trailers.Get(Fault.DetailsTrailer) is not null)
            return error;
        return error.StatusCode switch
        {
            StatusCode.Unavailable => Busy(),
            StatusCode.DeadlineExceeded => Fault.DeadlineExceeded(),
            StatusCode.Cancelled => Fault.Cancelled(),
            StatusCode.Internal or StatusCode.Unknown => Fault.Internal(TraceId),
            _ => error,
        };
    }

    private static RpcException Ended(ServerCallContext context) =>
        context.Deadline <= TimeProvider.System.GetUtcNow().UtcDateTime
            ? Fault.DeadlineExceeded()
            : Fault.Cancelled();

    private static RpcException Busy() =>
        Fault.Unavailable(
            Reason.DependencyUnavailable,
            "A dependency does not answer; try again.",
            RetryAfter
        );
}
