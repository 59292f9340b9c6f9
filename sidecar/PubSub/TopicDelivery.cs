using Microsoft.Extensions.Logging;
using Souk.Sidecar.Components;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Brings one topic's messages to the app. A slot is held for an attempt, not while waiting for the next one,
/// so a message that fails again and again takes no worker from the others.
/// </summary>
internal sealed partial class TopicDelivery(
    IEventTarget target,
    PubSubComponent component,
    TopicRoute route,
    Resilience resilience,
    TimeProvider clock,
    ILogger logger
) : IDisposable
{
    private static readonly TimeSpan DeadLetterTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DeadLetterPause = TimeSpan.FromSeconds(1);

    // A stream and a batch take as many events as the broker has room for.
    private readonly SemaphoreSlim _slots = new(
        target is EventStream or BatchingTarget ? int.MaxValue : component.Broker.Concurrency
    );

    private readonly AttemptGuard _guard = new(resilience);

    /// <summary>
    /// Returns when the message is done with; throws when it was refused for good and has nowhere to go.
    /// </summary>
    public async Task<Handled> HandleAsync(BrokerMessage message, Ending ending)
    {
        ReceivedEvent received;
        try
        {
            received = ReceivedEvent.Read(route, message, clock);
        }
        catch (FormatException) when (route.DeadLetterTopic.Length > 0)
        {
            await DeadLetterAsync(message, ending);
            return Handled.Drop;
        }
        if (received.IsExpired(clock.GetUtcNow()))
        {
            LogExpired(logger, received.Id, route.Topic);
            await DeadLetterAsync(message, ending);
            return Handled.Drop;
        }
        if (received.Path is null)
        {
            LogUnwanted(logger, received.Id, route.Topic);
            await DeadLetterAsync(message, ending);
            return Handled.Drop;
        }
        return await DeliverAsync(received, ending);
    }

    public void Dispose() => _slots.Dispose();

    private async Task<Handled> DeliverAsync(ReceivedEvent received, Ending ending)
    {
        var started = clock.GetTimestamp();
        for (var retry = 1; ; retry++)
        {
            var answer = await AttemptAsync(received, ending);
            if (answer.Verdict == Verdict.Success)
                return Handled.Success;
            if (answer.Verdict == Verdict.Drop)
            {
                LogDropped(logger, received.Id, route.Topic, answer.Reason);
                if (!answer.IsUnimplemented)
                    await DeadLetterAsync(received.Message, ending);
                return Handled.Drop;
            }
            var jitter = Random.Shared.NextDouble();
            var delay = answer.IsRetriable(resilience.Retry)
                ? resilience.Retry.DelayBefore(retry, clock.GetElapsedTime(started), jitter)
                : null;
            if (delay is null)
            {
                await GiveUpAsync(received, answer.Reason, ending);
                return Handled.Drop;
            }
            LogRetry(logger, received.Id, route.Topic, retry, answer.Reason);
            await target.PauseAsync(delay.Value, ending.Draining);
        }
    }

    private async Task GiveUpAsync(ReceivedEvent received, string reason, Ending ending)
    {
        if (route.DeadLetterTopic.Length == 0)
            throw new InvalidOperationException($"event {received.Id}: {reason}");
        LogDeadLetter(logger, received.Id, route.Topic, route.DeadLetterTopic, reason);
        await DeadLetterAsync(received.Message, ending);
    }

    private async Task<Answer> AttemptAsync(ReceivedEvent received, Ending ending)
    {
        await _slots.WaitAsync(ending.Draining);
        try
        {
            ending.Draining.ThrowIfCancellationRequested();
            return await _guard.RunAsync(
                within => target.DeliverAsync(received, within),
                answer => answer,
                answer => answer.Verdict == Verdict.Retry,
                ending
            );
        }
        catch (Exception) when (ending.Cut.IsCancellationRequested)
        {
            // The subscription ends: the message stays with the broker.
            ending.Cut.ThrowIfCancellationRequested();
            throw;
        }
        finally
        {
            _slots.Release();
        }
    }

    // The bytes as they came. A broker that does not take them now is asked again: Dapr would lose the event.
    private async Task DeadLetterAsync(BrokerMessage message, Ending ending)
    {
        if (route.DeadLetterTopic.Length == 0)
            return;
        while (true)
        {
            // A deadline of its own: the delivery that failed may have none left.
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ending.Cut);
            deadline.CancelAfter(DeadLetterTimeout);
            try
            {
                await component.Broker.PublishAsync(
                    route.DeadLetterTopic,
                    message.Data,
                    message.Metadata,
                    deadline.Token
                );
                return;
            }
            catch (Exception e) when (!ending.Cut.IsCancellationRequested)
            {
                LogWaiting(logger, message.Id, route.Topic, route.DeadLetterTopic, e.Message);
                await Task.Delay(DeadLetterPause, clock, ending.Draining);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "Event {Id} on {Topic} has expired")]
    private static partial void LogExpired(ILogger logger, string id, string topic);

    [LoggerMessage(LogLevel.Debug, "No rule wants event {Id} on {Topic}")]
    private static partial void LogUnwanted(ILogger logger, string id, string topic);

    [LoggerMessage(LogLevel.Warning, "Event {Id} on {Topic} dropped: {Reason}")]
    private static partial void LogDropped(ILogger logger, string id, string topic, string reason);

    [LoggerMessage(LogLevel.Warning, "Event {Id} on {Topic} goes to {DeadLetterTopic}: {Reason}")]
    private static partial void LogDeadLetter(
        ILogger logger,
        string id,
        string topic,
        string deadLetterTopic,
        string reason
    );

    [LoggerMessage(LogLevel.Warning, "Message {Id} on {Topic} waits to go to {DeadLetterTopic}: {Reason}")]
    private static partial void LogWaiting(
        ILogger logger,
        string id,
        string topic,
        string deadLetterTopic,
        string reason
    );

    [LoggerMessage(LogLevel.Debug, "Event {Id} on {Topic}, retry {Retry}: {Reason}")]
    private static partial void LogRetry(ILogger logger, string id, string topic, int retry, string reason);
}
