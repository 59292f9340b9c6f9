using System.Collections.Frozen;

namespace Souk.Sidecar;

/// <summary>All apps of this process, by id.</summary>
internal sealed class AppDirectory(IReadOnlyList<SidecarApp> apps)
{
    private readonly FrozenDictionary<string, SidecarApp> _byId = apps.ToFrozenDictionary(app => app.AppId);

    public IReadOnlyList<SidecarApp> All => apps;

    /// <summary>The app of an id, with or without a namespace behind it; null when there is none.</summary>
    public SidecarApp? Find(string appId)
    {
        if (_byId.TryGetValue(appId, out var app))
            return app;
        var dot = appId.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? _byId.GetValueOrDefault(appId[..dot]) : null;
    }
}
