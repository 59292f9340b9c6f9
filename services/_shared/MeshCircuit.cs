using Grpc.Core;
using Grpc.Core.Interceptors;
using Souk.Type;

namespace Souk.Shared;

/// <summary>
/// Fails calls to a service at once, as UNAVAILABLE/CIRCUIT_OPEN, while it does not answer. What counts
/// against it is silence and a dependency of its own that is away; its own errors count as answers.
/// </summary>
internal sealed class MeshCircuit(string appId, Circuit circuit) : Interceptor
{
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    )
    {
        if (!circuit.TryPass())
        {
            throw Fault.Unavailable(
                Reason.CircuitOpen,
                "The service does not answer; calls are held back for a moment.",
                Circuit.Rest,
                ("app_id", appId)
            );
        }
        AsyncUnaryCall<TResponse> call;
        try
        {
            call = continuation(request, context);
        }
        catch (RpcException e)
        {
            Report(e);
            throw;
        }
        return new AsyncUnaryCall<TResponse>(
            WatchAsync(call),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
        );
    }

    private async Task<TResponse> WatchAsync<TResponse>(AsyncUnaryCall<TResponse> call)
    {
        try
        {
            var response = await call;
            circuit.Succeeded();
            return response;
        }
        catch (RpcException e)
        {
            Report(e);
            throw;
        }
    }

    private void Report(RpcException error)
    {
        if (error.StatusCode == StatusCode.Cancelled)
            circuit.Abandoned();
        else if (IsSilence(error))
            circuit.Failed();
        else
            circuit.Succeeded();
    }

    private static bool IsSilence(RpcException error) =>
        error.StatusCode switch
        {
            StatusCode.DeadlineExceeded => true,
            StatusCode.Unavailable => error.Trailers.Get(Fault.DetailsTrailer) is null
                || Fault.Is(error, Reason.DependencyUnavailable),
            _ => false,
        };
}
