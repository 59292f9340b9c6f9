using Microsoft.AspNetCore.Http;
using Polly;
using Souk.Sidecar.Api;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Invoke;

/// <summary>Makes a call along a route, as often as the route's policy says.</summary>
internal static class Invoker
{
    /// <summary>
    /// The answer of the target, whatever its status. A target that does not answer is ERR_DIRECT_INVOKE.
    /// </summary>
    public static async Task<HttpResponseMessage> SendAsync(
        Caller caller,
        InvokeRoute route,
        InvokeMessage message,
        CancellationToken cancellation
    )
    {
        try
        {
            if (route.Line.NeedsWholeBody || route.Policy is { Retries: true })
                await message.Body.ReadAsync(cancellation);
            if (route.Policy is null)
                return await route.Line.SendAsync(message, cancellation);
            return await route
                .Policy.For<HttpResponseMessage>(outcome => Judge(outcome, cancellation))
                .ExecuteAsync(async token => await route.Line.SendAsync(message, token), cancellation);
        }
        catch (HttpRequestException e) when (e.InnerException is BadHttpRequestException tooLong)
        {
            // Not the target's fault: the body turned out longer than it may be.
            throw new BadHttpRequestException(tooLong.Message, tooLong.StatusCode, e);
        }
        catch (Exception e)
            when (e
                    is HttpRequestException
                        or IOException
                        or ExecutionRejectedException
                        or CircuitOpenException
                && !cancellation.IsCancellationRequested
            )
        {
            throw DaprFault.Invoke(caller.Sidecar, route.Id, e.Message);
        }
    }

    // Dapr counts every answer of 400 and more as a failure; the last one is passed on all the same.
    private static Failure? Judge(Outcome<HttpResponseMessage> outcome, CancellationToken cancellation)
    {
        // Polly's outcome of an attempt that is over, not a task: nothing is waited for here.
        if (outcome.Result is { } response)
        {
            var status = (int)response.StatusCode;
            return status is >= 200 and < 400 ? null : new Failure(HttpStatus: status);
        }
        return cancellation.IsCancellationRequested ? null : new Failure();
    }
}
