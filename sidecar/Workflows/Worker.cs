using System.Threading.Channels;
using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// One GetWorkItems stream: what it was given and has not answered. Guarded by the engine's lock; only the
/// channel is read outside.
/// </summary>
internal sealed class Worker(string appId, WorkerLimits limits)
{
    private readonly Channel<WorkItem> _items = Channel.CreateUnbounded<WorkItem>(
        new() { SingleReader = true, SingleWriter = true }
    );
    private readonly Dictionary<string, Assignment> _inHand = [];
    private int _turns;

    public string AppId => appId;

    public WorkerLimits Limits => limits;

    /// <summary>Items for the stream, in order; completes when the worker must go.</summary>
    public ChannelReader<WorkItem> Items => _items.Reader;

    public bool TakesTurns => _turns < limits.Turns && _inHand.Count < limits.Total;

    public bool TakesActivities => _inHand.Count - _turns < limits.Activities && _inHand.Count < limits.Total;

    public IEnumerable<Assignment> InHand => _inHand.Values;

    public void Give(WorkItem item, Assignment assignment)
    {
        _inHand.Add(item.CompletionToken, assignment);
        _turns += assignment.Run is null ? 0 : 1;
        _items.Writer.TryWrite(item);
    }

    /// <summary>The worker answered: one thing less in hand. An empty token means a worker that knows no
    /// tokens.</summary>
    public bool Release(string token, string instanceId, int? taskId)
    {
        var held = token.Length > 0 ? token : FindToken(instanceId, taskId);
        if (held is null || !_inHand.Remove(held, out var assignment))
        {
            return false;
        }
        _turns -= assignment.Run is null ? 0 : 1;
        return true;
    }

    /// <summary>Ends the stream, with an error for the worker if there is one.</summary>
    public void Close(Exception? reason = null) => _items.Writer.TryComplete(reason);

    private string? FindToken(string instanceId, int? taskId)
    {
        foreach (var (token, assignment) in _inHand)
        {
            if (assignment.Key.InstanceId == instanceId && assignment.Task?.TaskId == taskId)
            {
                return token;
            }
        }
        return null;
    }
}

/// <summary>What a worker has in hand: a turn of a run, or an activity.</summary>
internal sealed record Assignment(Run? Run, Turn? Turn, PendingTask? Task)
{
    public InstanceKey Key =>
        Run?.Key
        ?? Task?.Owner
        ?? throw new InvalidOperationException("an assignment is a turn or an activity");
}

/// <summary>What one worker can take: how many unanswered items, and in what form.</summary>
internal sealed record WorkerLimits(int Turns, int Activities, int Total)
{
    /// <summary>The worker fetches a history by itself when the turn says that it is too long to
    /// carry.</summary>
    public bool FetchesHistory { get; init; }

    public static readonly WorkerLimits Default = new(256, 1_024, 1_280);

    /// <summary>The JavaScript SDK queues 100 items and silently drops what comes on top.</summary>
    public static readonly WorkerLimits JavaScript = new(100, 100, 100);
}
