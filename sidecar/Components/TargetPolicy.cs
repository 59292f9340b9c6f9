using Polly;
using Polly.Retry;

namespace Souk.Sidecar.Components;

/// <summary>How an attempt failed, for a retry policy that looks at status codes.</summary>
internal sealed record Failure(int? HttpStatus = null, int? GrpcCode = null);

/// <summary>
/// What holds for calls to one target: retries around a circuit breaker around a time limit, so that each
/// attempt has the whole limit and counts on its own.
/// </summary>
internal sealed class TargetPolicy(
    RetryPolicy retry,
    TimeSpan timeout,
    CircuitBreaker? breaker,
    TimeProvider clock
)
{
    private static readonly ResiliencePropertyKey<long> Started = new("started");

    /// <summary>An attempt may be followed by another: its input must be kept.</summary>
    public bool Retries => retry.MaxRetries != 0;

    /// <summary>
    /// The policy for calls that give a <typeparamref name="T"/>. <paramref name="judge"/> is null for
    /// success.
    /// </summary>
    public ResiliencePipeline<T> For<T>(Func<Outcome<T>, Failure?> judge)
    {
        var builder = new ResiliencePipelineBuilder<T> { TimeProvider = clock };
        if (Retries)
            builder.AddRetry(Retry(judge));
        if (breaker is not null)
            builder.AddStrategy(_ => new BreakerStrategy<T>(breaker, judge), new BreakerOptions());
        if (timeout > TimeSpan.Zero)
            builder.AddTimeout(timeout);
        return builder.Build();
    }

    /// <summary>The policy for calls of a component, all of whose exceptions are failures.</summary>
    public ResiliencePipeline<T> ForComponent<T>() =>
        For<T>(outcome => outcome.Exception is null or OperationCanceledException ? null : new Failure());

    private RetryStrategyOptions<T> Retry<T>(Func<Outcome<T>, Failure?> judge) =>
        new()
        {
            MaxRetryAttempts = retry.MaxRetries < 0 ? int.MaxValue : retry.MaxRetries,
            ShouldHandle = args =>
            {
                var isWorthIt =
                    args.Outcome.Exception is not CircuitOpenException
                    && judge(args.Outcome) is { } failure
                    && (failure.HttpStatus is not { } status || retry.CoversHttp(status))
                    && (failure.GrpcCode is not { } code || retry.Covers(code))
                    && DelayBefore(args.AttemptNumber, args.Context) is not null;
                return ValueTask.FromResult(isWorthIt);
            },
            DelayGenerator = args => ValueTask.FromResult(DelayBefore(args.AttemptNumber, args.Context)),
        };

    private TimeSpan? DelayBefore(int attempt, ResilienceContext context)
    {
        if (!context.Properties.TryGetValue(Started, out var started))
            context.Properties.Set(Started, started = clock.GetTimestamp());
        return retry.DelayBefore(attempt + 1, clock.GetElapsedTime(started), Random.Shared.NextDouble());
    }

    private sealed class BreakerOptions : ResilienceStrategyOptions;

    private sealed class BreakerStrategy<T>(CircuitBreaker breaker, Func<Outcome<T>, Failure?> judge)
        : ResilienceStrategy<T>
    {
        protected override async ValueTask<Outcome<T>> ExecuteCore<TState>(
            Func<ResilienceContext, TState, ValueTask<Outcome<T>>> callback,
            ResilienceContext context,
            TState state
        )
        {
            int generation;
            try
            {
                generation = breaker.Begin();
            }
            catch (CircuitOpenException refused)
            {
                return Outcome.FromException<T>(refused);
            }
            var outcome = await callback(context, state);
            if (outcome.Exception is OperationCanceledException)
                breaker.Abandon(generation);
            else
                breaker.End(generation, succeeded: judge(outcome) is null);
            return outcome;
        }
    }
}
