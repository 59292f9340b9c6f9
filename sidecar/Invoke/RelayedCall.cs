using System.Globalization;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Polly;
using Souk.Sidecar.Api;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// The answer to a call by gRPC that is passed on as it came: to the app itself, or to the sidecar it stands
/// behind.
/// </summary>
internal sealed record RelayedCall(InvokeResponse Response, Metadata Headers, Metadata Trailers)
{
    /// <summary>Null when the call succeeded.</summary>
    public RpcException? Failure { get; private init; }

    /// <summary>
    /// Calls as often as the caller's policy for the target says. Nobody there is ERR_DIRECT_INVOKE.
    /// </summary>
    public static async Task<RelayedCall> MakeAsync(
        Caller caller,
        string id,
        Func<CancellationToken, AsyncUnaryCall<InvokeResponse>> call,
        CancellationToken cancellation
    )
    {
        try
        {
            // A sidecar that asks for its own app has applied its policy already.
            var policy = caller.IsRemote ? null : caller.Sidecar.Components.Resiliency.ForApp(id);
            if (policy is null)
                return await MakeAsync(call, cancellation);
            return await policy
                .For<RelayedCall>(Judge)
                .ExecuteAsync(async token => await MakeAsync(call, token), cancellation);
        }
        catch (Exception e)
            when (e is ExecutionRejectedException or CircuitOpenException or HttpRequestException)
        {
            throw DaprFault.Invoke(caller.Sidecar, id, e.Message);
        }
    }

    private static async Task<RelayedCall> MakeAsync(
        Func<CancellationToken, AsyncUnaryCall<InvokeResponse>> start,
        CancellationToken cancellation
    )
    {
        using var call = start(cancellation);
        try
        {
            var response = await call.ResponseAsync;
            return new RelayedCall(response, await call.ResponseHeadersAsync, call.GetTrailers());
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable && IsNobodyThere(e))
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, e.Status.Detail, e);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            return new RelayedCall(new InvokeResponse(), await HeadersOfAsync(call), []) { Failure = e };
        }
    }

    // An app that says UNAVAILABLE itself is there.
    private static bool IsNobodyThere(RpcException e) => e.Status.DebugException is not null;

    private static async Task<Metadata> HeadersOfAsync(AsyncUnaryCall<InvokeResponse> call)
    {
        try
        {
            return await call.ResponseHeadersAsync;
        }
        catch (RpcException)
        {
            // It failed before there were any.
            return [];
        }
    }

    private static Failure? Judge(Outcome<RelayedCall> outcome) =>
        outcome switch
        {
            { Result.Failure: null, Exception: null } => null,
            { Result: { Failure: { } failed } relayed } => HttpStatusIn(relayed.Headers) is { } status
                ? new Failure(HttpStatus: status)
                : new Failure(GrpcCode: (int)failed.StatusCode),
            { Exception: OperationCanceledException } => null,
            _ => new Failure(),
        };

    private static int? HttpStatusIn(Metadata headers) =>
        int.TryParse(
            headers.GetValue(InvokeService.StatusHeader),
            CultureInfo.InvariantCulture,
            out var status
        )
            ? status
            : null;
}
