using Souk.Sidecar.Components;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// What holds for each attempt to hand events to an app: a time limit inside a circuit. An attempt that the
/// circuit refuses is a failed one, so that events outlast an open circuit if their retries do.
/// </summary>
internal sealed class AttemptGuard(Resilience resilience)
{
    /// <summary>
    /// Makes one attempt. <paramref name="instead"/> gives the result when there is no answer of the app, and
    /// <paramref name="hasFailed"/> says whether a result counts against it.
    /// </summary>
    public async Task<T> RunAsync<T>(
        Func<Ending, Task<T>> attempt,
        Func<Answer, T> instead,
        Predicate<T> hasFailed,
        Ending ending
    )
    {
        if (resilience.Breaker is not { } breaker)
            return await InTimeAsync(attempt, instead, ending);
        int generation;
        try
        {
            generation = breaker.Begin();
        }
        catch (CircuitOpenException e)
        {
            return instead(new Answer(Verdict.Retry, e.Message));
        }
        try
        {
            var result = await InTimeAsync(attempt, instead, ending);
            breaker.End(generation, succeeded: !hasFailed(result));
            return result;
        }
        catch
        {
            breaker.Abandon(generation);
            throw;
        }
    }

    private async Task<T> InTimeAsync<T>(
        Func<Ending, Task<T>> attempt,
        Func<Answer, T> instead,
        Ending ending
    )
    {
        if (resilience.Timeout <= TimeSpan.Zero)
            return await attempt(ending);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ending.Cut);
        using var waits = CancellationTokenSource.CreateLinkedTokenSource(ending.Draining, limit.Token);
        limit.CancelAfter(resilience.Timeout);
        try
        {
            return await attempt(new Ending(waits.Token, limit.Token));
        }
        catch (Exception) when (limit.IsCancellationRequested && !ending.Cut.IsCancellationRequested)
        {
            return instead(Answer.TimedOut);
        }
    }
}
