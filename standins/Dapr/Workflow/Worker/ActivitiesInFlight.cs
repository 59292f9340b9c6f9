using Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow.Worker;

/// <summary>
/// The activities that run right now. After a broken connection the engine sends unanswered items again; the
/// one that still runs then takes over the new token instead of being started a second time beside itself.
/// </summary>
internal sealed class ActivitiesInFlight
{
    private readonly Dictionary<Key, string> _tokens = [];
    private readonly Lock _lock = new();

    /// <summary>Whether the item is to be run; false when it runs already.</summary>
    internal bool TryBegin(ActivityRequest request, string token)
    {
        lock (_lock)
        {
            var begun = _tokens.TryAdd(KeyOf(request), token);
            if (!begun)
                _tokens[KeyOf(request)] = token;
            return begun;
        }
    }

    /// <summary>The token that the engine waits for now.</summary>
    internal string TokenOf(ActivityRequest request)
    {
        lock (_lock)
            return _tokens.GetValueOrDefault(KeyOf(request), string.Empty);
    }

    internal void End(ActivityRequest request)
    {
        lock (_lock)
            _tokens.Remove(KeyOf(request));
    }

    private static Key KeyOf(ActivityRequest request) =>
        new(
            request.WorkflowInstance?.InstanceId ?? string.Empty,
            request.WorkflowInstance?.ExecutionId ?? string.Empty,
            request.TaskId
        );

    private readonly record struct Key(string InstanceId, string ExecutionId, int TaskId);
}
