namespace Souk.Tests.Sidecar;

/// <summary>Stops what a test started, the last first, and gives each test topics of its own.</summary>
internal abstract class SidecarFixture
{
    private readonly string _run = Guid.CreateVersion7().ToString("N");
    private readonly List<IAsyncDisposable> _started = [];
    private int _lastTopic;

    [TearDown]
    public async Task StopAll()
    {
        var started = Enumerable.Reverse(_started).ToArray();
        _started.Clear();
        foreach (var one in started)
            await one.DisposeAsync();
    }

    protected string Topic() => $"topic-{_run}-{Interlocked.Increment(ref _lastTopic)}";

    protected T Own<T>(T started)
        where T : IAsyncDisposable
    {
        _started.Add(started);
        return started;
    }
}
