namespace Dapr.Workflow.Worker;

/// <summary>Growing pauses between attempts.</summary>
internal sealed class Backoff
{
    private readonly TimeSpan _first;
    private readonly TimeSpan _max;
    private TimeSpan _next;

    internal Backoff(TimeSpan first, TimeSpan max)
    {
        _first = first;
        _max = max;
        _next = first;
    }

    internal TimeSpan Next()
    {
        var pause = _next;
        _next = pause * 2 < _max ? pause * 2 : _max;
        return pause;
    }

    internal void Reset() => _next = _first;
}
