using Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow.Replay;

/// <summary>
/// Events from outside: each goes to the oldest waiter of its name, or is kept until one comes.
/// </summary>
internal sealed class ExternalEvents
{
    private readonly Dictionary<string, Queue<DurableTask>> _waiters = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<HistoryEvent> _unread = new();

    /// <summary>What arrived and nobody read, oldest first.</summary>
    internal IReadOnlyCollection<HistoryEvent> Unread => _unread;

    internal void Raise(HistoryEvent raised)
    {
        if (_waiters.TryGetValue(raised.EventRaised.Name, out var waiters))
            while (waiters.TryDequeue(out var waiter))
                if (!waiter.IsSettled) // A waiter that ran out of time must not swallow the event.
                {
                    waiter.Complete(raised.EventRaised.Input);
                    return;
                }
        _unread.AddLast(raised);
    }

    /// <summary>The oldest kept event of that name, which is then read.</summary>
    internal EventRaisedEvent? Take(string name)
    {
        for (var node = _unread.First; node is not null; node = node.Next)
            if (string.Equals(node.Value.EventRaised.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                _unread.Remove(node);
                return node.Value.EventRaised;
            }
        return null;
    }

    internal void Wait(string name, DurableTask waiter)
    {
        if (!_waiters.TryGetValue(name, out var waiters))
            _waiters[name] = waiters = new Queue<DurableTask>();
        waiters.Enqueue(waiter);
    }
}
