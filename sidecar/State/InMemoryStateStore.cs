namespace Souk.Sidecar.State;

/// <summary><c>state.in-memory</c>: for tests. Lost on restart.</summary>
internal sealed class InMemoryStateStore(TimeProvider clock) : IStateStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, StateValue> _values = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Capabilities { get; } = ["ETAG", "TRANSACTIONAL", "TTL"];

    public TimeSpan Timeout { get; } = TimeSpan.FromSeconds(1);

    public Task<StateValue?> GetAsync(string key, CancellationToken cancellation)
    {
        lock (_gate)
            return Task.FromResult(Find(key));
    }

    public Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    )
    {
        var found = new Dictionary<string, StateValue>(StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var key in keys)
            {
                if (Find(key) is { } value)
                    found[key] = value;
            }
        }
        return Task.FromResult<IReadOnlyDictionary<string, StateValue>>(found);
    }

    public Task ApplyAsync(StateChange change, CancellationToken cancellation) =>
        TransactAsync([change], cancellation);

    public Task TransactAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellation)
    {
        lock (_gate)
        {
            foreach (var change in changes)
                Check(change);
            foreach (var change in changes)
                Write(change);
        }
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private StateValue? Find(string key) =>
        _values.TryGetValue(key, out var value) && !(value.ExpireTime < clock.GetUtcNow()) ? value : null;

    private void Check(StateChange change)
    {
        var stored = Find(change.Key);
        if (change.Etag is { } etag ? stored?.Etag != etag : change.IsCreateOnly && stored is not null)
            throw new EtagMismatchException(change.Key);
    }

    private void Write(StateChange change)
    {
        if (change.Value is not { } value)
        {
            _values.Remove(change.Key);
            return;
        }
        var now = clock.GetUtcNow();
        DateTimeOffset? expireTime = change.TtlSeconds is > 0 and var seconds
            ? now.AddSeconds(seconds)
            : null;
        _values[change.Key] = new StateValue(
            value.ToArray(),
            Guid.CreateVersion7(now).ToString(),
            expireTime
        );
    }
}
