namespace Souk.Sidecar.PubSub;

/// <summary>Where the events of a subscription go.</summary>
internal interface IEventTarget
{
    /// <summary>
    /// Hands over one event. Failures are answers; being cancelled means that the subscription ends: while it
    /// drains, only an event that the app has not seen yet is given up.
    /// </summary>
    Task<Answer> DeliverAsync(ReceivedEvent received, Ending ending);

    /// <summary>
    /// Waits before the next attempt; less than the given time when the target is away and comes back before.
    /// </summary>
    Task PauseAsync(TimeSpan delay, CancellationToken cancellation);
}

/// <summary>A target that takes several events in one call.</summary>
internal interface IBulkEventTarget : IEventTarget
{
    /// <summary>Hands over events that belong to the same path; the answers are in their order.</summary>
    Task<Answer[]> DeliverAllAsync(IReadOnlyList<ReceivedEvent> events, Ending ending);
}
