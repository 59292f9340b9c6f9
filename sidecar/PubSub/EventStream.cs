using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// A subscription that lives as long as the stream by which the app asked for it. Every delivery waits for
/// its verdict, however long that takes; those that have none when the stream ends stay with the broker.
/// </summary>
internal sealed partial class EventStream(
    IServerStreamWriter<SubscribeTopicEventsResponseAlpha1> events,
    TimeProvider clock,
    ILogger logger
) : IEventTarget
{
    private readonly TaskCompletionSource _confirmed = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );
    private readonly Dictionary<string, List<TaskCompletionSource<Answer>>> _waiting = new(
        StringComparer.Ordinal
    );
    private Task? _lastWrite;

    /// <summary>Subscribes and confirms it, before any event whenever that comes.</summary>
    public async Task OpenAsync(Action subscribe, CancellationToken cancellation)
    {
        subscribe();
        var confirmation = new SubscribeTopicEventsResponseAlpha1 { InitialResponse = new() };
        await events.WriteAsync(confirmation, cancellation);
        _confirmed.SetResult();
    }

    public async Task<Answer> DeliverAsync(ReceivedEvent received, Ending ending)
    {
        var cancellation = ending.Cut;
        var id = received.Id;
        var answer = Expect(id);
        // Not WaitAsync: a verdict that came before the end of the stream must win over the end.
        await using var end = cancellation.Register(() => answer.TrySetCanceled(cancellation));
        try
        {
            await WriteAsync(received).WaitAsync(cancellation);
            return await answer.Task;
        }
        catch (FormatException e)
        {
            return new Answer(Verdict.Retry, e.Message);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or RpcException)
        {
            // The stream is gone, and its end is on the way here.
            LogGone(logger, received.Route.Topic, e.Message);
            return await answer.Task;
        }
        finally
        {
            Forget(id, answer);
        }
    }

    public Task PauseAsync(TimeSpan delay, CancellationToken cancellation) =>
        Task.Delay(delay, clock, cancellation);

    /// <summary>Takes a verdict of the app.</summary>
    public void Process(SubscribeTopicEventsRequestProcessedAlpha1 processed)
    {
        var answer = Answer.Of(processed.Status?.Status ?? Verdict.Success);
        lock (_waiting)
        {
            if (
                _waiting.TryGetValue(processed.Id, out var answers)
                && answers.Exists(waiting => waiting.TrySetResult(answer))
            )
                return;
        }
        LogUnknown(logger, processed.Id);
    }

    private TaskCompletionSource<Answer> Expect(string id)
    {
        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waiting)
        {
            // The same event may be under way more than once: after a redelivery, or when ids are not unique.
            if (!_waiting.TryGetValue(id, out var answers))
                _waiting[id] = answers = [];
            answers.Add(answer);
        }
        return answer;
    }

    private void Forget(string id, TaskCompletionSource<Answer> answer)
    {
        lock (_waiting)
        {
            if (_waiting.TryGetValue(id, out var answers) && answers.Remove(answer) && answers.Count == 0)
                _waiting.Remove(id);
        }
    }

    // One after the other, and never cancelled in the middle, which would break the stream.
    private Task WriteAsync(ReceivedEvent received)
    {
        var message = new SubscribeTopicEventsResponseAlpha1 { EventMessage = received.Request };
        lock (_waiting)
            return _lastWrite = WriteAfterAsync(_lastWrite ?? _confirmed.Task, message);
    }

    private async Task WriteAfterAsync(Task previous, SubscribeTopicEventsResponseAlpha1 message)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await events.WriteAsync(message);
    }

    [LoggerMessage(LogLevel.Debug, "A stream for {Topic} is gone: {Reason}")]
    private static partial void LogGone(ILogger logger, string topic, string reason);

    [LoggerMessage(LogLevel.Warning, "Event {Id} is not under way on this stream; its verdict is ignored")]
    private static partial void LogUnknown(ILogger logger, string id);
}
