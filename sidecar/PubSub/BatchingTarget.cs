namespace Souk.Sidecar.PubSub;

/// <summary>
/// Collects events until there are enough or the first has waited long enough, and hands them over in one
/// call. Who delivers one event sees nothing of the others.
/// </summary>
internal sealed class BatchingTarget(
    IBulkEventTarget target,
    BulkSettings settings,
    TimeSpan timeout,
    int concurrency,
    TimeProvider clock
) : IEventTarget, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Batch> _open = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _slots = new(concurrency);
    private readonly CancellationTokenSource _stopping = new();

    public Task<Answer> DeliverAsync(ReceivedEvent received, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var path = received.Path ?? "";
        lock (_gate)
        {
            if (!_open.TryGetValue(path, out var batch))
            {
                _open[path] = batch = new Batch();
                _ = SendAsync(path, batch);
            }
            batch.Events.Add(received);
            batch.Answers.Add(answer);
            if (batch.Events.Count >= settings.MessagesMax)
            {
                _open.Remove(path);
                batch.Full.SetResult();
            }
        }
        return answer.Task.WaitAsync(cancellation);
    }

    public Task PauseAsync(TimeSpan delay, CancellationToken cancellation) =>
        target.PauseAsync(delay, cancellation);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _slots.Dispose();
    }

    private async Task SendAsync(string path, Batch batch)
    {
        try
        {
            await Task.WhenAny(batch.Full.Task, Task.Delay(settings.WaitMax, clock, _stopping.Token));
            lock (_gate)
            {
                if (_open.GetValueOrDefault(path) == batch)
                    _open.Remove(path);
            }
            await _slots.WaitAsync(_stopping.Token);
            try
            {
                var answers = await CallAsync(batch);
                for (var i = 0; i < answers.Length; i++)
                    batch.Answers[i].SetResult(answers[i]);
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (Exception e)
        {
            foreach (var answer in batch.Answers)
                answer.TrySetException(e);
        }
    }

    private async Task<Answer[]> CallAsync(Batch batch)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        if (timeout > TimeSpan.Zero)
            limit.CancelAfter(timeout);
        try
        {
            return await target.DeliverAllAsync(batch.Events, limit.Token);
        }
        catch (Exception) when (limit.IsCancellationRequested && !_stopping.IsCancellationRequested)
        {
            return Answer.ForAll(batch.Events, Answer.TimedOut);
        }
    }

    private sealed class Batch
    {
        public List<ReceivedEvent> Events { get; } = [];

        public List<TaskCompletionSource<Answer>> Answers { get; } = [];

        public TaskCompletionSource Full { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
