namespace Souk.Sidecar.Workflows;

/// <summary>
/// The last instances that ended, so that the usual question after the end needs no database. Bounded by
/// weight; guarded by the engine's lock.
/// </summary>
internal sealed class RecentViews
{
    private const int WeightMax = 16 << 20;

    private readonly Dictionary<InstanceKey, RunView> _views = [];
    private readonly Queue<RunView> _order = [];
    private int _weight;

    public RunView? Find(InstanceKey key) => _views.GetValueOrDefault(key);

    public void Add(RunView view)
    {
        _views[view.Key] = view;
        _order.Enqueue(view);
        _weight += view.Weight;
        while (_weight > WeightMax && _order.TryDequeue(out var oldest))
        {
            _weight -= oldest.Weight;
            if (_views.TryGetValue(oldest.Key, out var kept) && ReferenceEquals(kept, oldest))
            {
                _views.Remove(oldest.Key);
            }
        }
    }

    public void Remove(InstanceKey key) => _views.Remove(key);
}
