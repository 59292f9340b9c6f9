using Dapr.AppCallback.Autogen.Grpc.v1;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Components;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Brings one topic's messages to the app. A slot is held for an attempt, not while waiting for the next one,
/// so a message that fails again and again takes no worker from the others.
/// </summary>
internal sealed partial class TopicDelivery(
    AppChannel app,
    PubSubComponent component,
    TopicRoute route,
    Resilience resilience,
    TimeProvider clock,
    ILogger logger
) : IDisposable
{
    private static readonly TimeSpan DeadLetterTimeout = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _slots = new(component.Broker.Concurrency);

    /// <summary>
    /// Returns when the message is done with; throws when it was refused for good and has nowhere to go.
    /// </summary>
    public async Task HandleAsync(BrokerMessage message, CancellationToken cancellation)
    {
        TopicEventRequest request;
        try
        {
            request = ReceivedEvent.Unwrap(route, message, clock);
        }
        catch (FormatException) when (route.DeadLetterTopic.Length > 0)
        {
            await DeadLetterAsync(message);
            return;
        }
        if (ReceivedEvent.IsExpired(request, clock.GetUtcNow()))
        {
            LogExpired(logger, request.Id, route.Topic);
            await DeadLetterAsync(message);
            return;
        }
        var headers = HeadersFor(message, request);
        var started = clock.GetTimestamp();
        for (var retry = 1; ; retry++)
        {
            var outcome = await AttemptAsync(request, headers, cancellation);
            if (outcome.Verdict == Verdict.Success)
                return;
            if (outcome.Verdict == Verdict.Drop)
            {
                LogDropped(logger, request.Id, route.Topic, outcome.Reason);
                if (!outcome.IsUnimplemented)
                    await DeadLetterAsync(message);
                return;
            }
            var jitter = Random.Shared.NextDouble();
            var delay = outcome.IsRetriable
                ? resilience.Retry.DelayBefore(retry, clock.GetElapsedTime(started), jitter)
                : null;
            if (delay is null)
            {
                await GiveUpAsync(message, request, outcome.Reason);
                return;
            }
            LogRetry(logger, request.Id, route.Topic, retry, outcome.Reason);
            await app.DelayAsync(delay.Value, cancellation);
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task GiveUpAsync(BrokerMessage message, TopicEventRequest request, string reason)
    {
        if (route.DeadLetterTopic.Length == 0)
            throw new InvalidOperationException($"event {request.Id}: {reason}");
        LogDeadLetter(logger, request.Id, route.Topic, route.DeadLetterTopic, reason);
        await DeadLetterAsync(message);
    }

    private async Task<Outcome> AttemptAsync(
        TopicEventRequest request,
        Metadata headers,
        CancellationToken cancellation
    )
    {
        // An app that is known to be down is not called: this is a failed attempt all the same.
        if (app.Callbacks is null || !app.IsUp)
            return Outcome.Failed("the app is not listening", StatusCode.Unavailable, resilience.Retry);
        await _slots.WaitAsync(cancellation);
        try
        {
            DateTime? deadline =
                resilience.Timeout > TimeSpan.Zero
                    ? clock.GetUtcNow().Add(resilience.Timeout).UtcDateTime
                    : null;
            var response = await app.Callbacks.OnTopicEventAsync(request, headers, deadline, cancellation);
            return new Outcome(response.Status, "the app said so", true, false);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            if (e.StatusCode == StatusCode.Unimplemented)
                return new Outcome(Verdict.Drop, "the app implements no OnTopicEvent", false, true);
            app.Report(e);
            return Outcome.Failed(e.Status.ToString(), e.StatusCode, resilience.Retry);
        }
        catch (RpcException)
        {
            // The subscription ends: the message stays with the broker.
            cancellation.ThrowIfCancellationRequested();
            throw;
        }
        finally
        {
            _slots.Release();
        }
    }

    // The bytes as they came, under a deadline of their own: the delivery that failed may have none left.
    private async Task DeadLetterAsync(BrokerMessage message)
    {
        if (route.DeadLetterTopic.Length == 0)
            return;
        using var deadline = new CancellationTokenSource(DeadLetterTimeout, clock);
        await component.Broker.PublishAsync(
            route.DeadLetterTopic,
            message.Data,
            message.Metadata,
            deadline.Token
        );
    }

    private Metadata HeadersFor(BrokerMessage message, TopicEventRequest request)
    {
        var headers = app.Headers();
        headers.Add("pubsubname", route.PubSubName);
        foreach (var name in new[] { "traceparent", "tracestate" })
        {
            if (request.Extensions.Fields.TryGetValue(name, out var trace) && trace.StringValue.Length > 0)
                headers.Add(name, trace.StringValue);
        }
        foreach (var (name, value) in message.Metadata)
        {
            if (IsHeader(name) && value.All(letter => letter is >= ' ' and <= '~'))
                headers.Add(name, value);
        }
        return headers;
    }

    private static bool IsHeader(string name) =>
        name.Length > 0
        && !name.EndsWith("-bin", StringComparison.OrdinalIgnoreCase)
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    private readonly record struct Outcome(
        Verdict Verdict,
        string Reason,
        bool IsRetriable,
        bool IsUnimplemented
    )
    {
        public static Outcome Failed(string reason, StatusCode code, RetryPolicy policy) =>
            new(Verdict.Retry, reason, policy.Covers((int)code), false);
    }

    [LoggerMessage(LogLevel.Information, "Event {Id} on {Topic} has expired")]
    private static partial void LogExpired(ILogger logger, string id, string topic);

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

    [LoggerMessage(LogLevel.Debug, "Event {Id} on {Topic}, retry {Retry}: {Reason}")]
    private static partial void LogRetry(ILogger logger, string id, string topic, int retry, string reason);
}
