namespace Dapr.Workflow;

/// <summary>Whether and when a failed task is tried again. The pauses are durable timers.</summary>
public class WorkflowRetryPolicy
{
    // The official policy has no cap without a maximum, yet refuses a longer first interval than this.
    private static readonly TimeSpan FirstIntervalMaxWithoutMaximum = TimeSpan.FromHours(1);

    /// <summary>Describes a policy.</summary>
    public WorkflowRetryPolicy(
        int maxNumberOfAttempts,
        TimeSpan firstRetryInterval,
        double backoffCoefficient = 1.0,
        TimeSpan? maxRetryInterval = null,
        TimeSpan? retryTimeout = null
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNumberOfAttempts);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(firstRetryInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(backoffCoefficient, 1.0);
        var maximum = maxRetryInterval ?? FirstIntervalMaxWithoutMaximum;
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum, firstRetryInterval, nameof(maxRetryInterval));
        var timeout = retryTimeout ?? Timeout.InfiniteTimeSpan;
        if (timeout != Timeout.InfiniteTimeSpan)
            ArgumentOutOfRangeException.ThrowIfLessThan(timeout, firstRetryInterval, nameof(retryTimeout));

        MaxNumberOfAttempts = maxNumberOfAttempts;
        FirstRetryInterval = firstRetryInterval;
        BackoffCoefficient = backoffCoefficient;
        MaxRetryInterval = maxRetryInterval;
        RetryTimeout = timeout;
    }

    /// <summary>How often the task is tried at most, the first time included.</summary>
    public int MaxNumberOfAttempts { get; }

    /// <summary>The pause before the second attempt.</summary>
    public TimeSpan FirstRetryInterval { get; }

    /// <summary>What each pause is multiplied by to give the next.</summary>
    public double BackoffCoefficient { get; }

    /// <summary>The longest pause; null is no cap.</summary>
    public TimeSpan? MaxRetryInterval { get; }

    /// <summary>How long after the first attempt another may begin.</summary>
    public TimeSpan RetryTimeout { get; }

    /// <summary>The pause after a failed attempt (counted from 1); null when it was the last.</summary>
    internal TimeSpan? PauseAfter(int attempt, TimeSpan elapsed)
    {
        if (attempt >= MaxNumberOfAttempts)
            return null;
        if (RetryTimeout != Timeout.InfiniteTimeSpan && elapsed >= RetryTimeout)
            return null;
        var ticks = FirstRetryInterval.Ticks * Math.Pow(BackoffCoefficient, attempt - 1);
        var cap = MaxRetryInterval ?? TimeSpan.MaxValue;
        return ticks < cap.Ticks ? TimeSpan.FromTicks((long)ticks) : cap;
    }
}
