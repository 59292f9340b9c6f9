using Souk.Sidecar.Components;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Collects events until there are enough or the first has waited long enough, and hands them over in one
/// call. Who delivers one event sees nothing of the others.
/// </summary>
internal sealed class BatchingTarget(
    IBulkEventTarget target,
    BulkSettings settings,
    Resilience resilience,
    int concurrency,
    TimeProvider clock
) : IEventTarget, IDisposable
{
    private readonly Lock _gate = new();
    private readonly AttemptGuard _guard = new(resilience);
    private readonly Dictionary<string, Batch> _open = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _slots = new(concurrency);

    public Task<Answer> DeliverAsync(ReceivedEvent received, Ending ending)
    {
        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var path = received.Path ?? "";
        lock (_gate)
        {
            if (!_open.TryGetValue(path, out var batch))
            {
                _open[path] = batch = new Batch();
                _ = SendAsync(path, batch, ending);
            }
            batch.Events.Add(received);
            batch.Answers.Add(answer);
            if (batch.Events.Count >= settings.MessagesMax)
            {
                _open.Remove(path);
                batch.Full.SetResult();
            }
        }
        return answer.Task.WaitAsync(ending.Cut);
    }

    public Task PauseAsync(TimeSpan delay, CancellationToken cancellation) =>
        target.PauseAsync(delay, cancellation);

    public void Dispose() => _slots.Dispose();

    // All events of a batch are of one subscription, and end with it. A batch that is not with the app yet is
    // given up while the subscription drains.
    private async Task SendAsync(string path, Batch batch, Ending ending)
    {
        try
        {
            using (var timer = CancellationTokenSource.CreateLinkedTokenSource(ending.Draining))
            {
                await Task.WhenAny(batch.Full.Task, Task.Delay(settings.WaitMax, clock, timer.Token));
                await timer.CancelAsync();
            }
            lock (_gate)
            {
                if (_open.GetValueOrDefault(path) == batch)
                    _open.Remove(path);
            }
            await _slots.WaitAsync(ending.Draining);
            try
            {
                ending.Draining.ThrowIfCancellationRequested();
                var answers = await CallAsync(batch, ending);
                for (var i = 0; i < answers.Length; i++)
                    batch.Answers[i].SetResult(answers[i]);
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (OperationCanceledException e)
        {
            foreach (var answer in batch.Answers)
                answer.TrySetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            foreach (var answer in batch.Answers)
                answer.TrySetException(e);
        }
    }

    private Task<Answer[]> CallAsync(Batch batch, Ending ending) =>
        _guard.RunAsync(
            within => target.DeliverAllAsync(batch.Events, within),
            answer => Answer.ForAll(batch.Events, answer),
            answers => Array.Exists(answers, answer => answer.Verdict == Verdict.Retry),
            ending
        );

    private sealed class Batch
    {
        public List<ReceivedEvent> Events { get; } = [];

        public List<TaskCompletionSource<Answer>> Answers { get; } = [];

        public TaskCompletionSource Full { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
