using Souk.Sidecar.Components;

namespace Souk.Sidecar.State;

/// <summary>How a caller's key becomes the stored one: prefix, <c>||</c>, key.</summary>
internal sealed class KeyPrefix(string strategy, string componentName)
{
    public const string Separator = "||";

    public static KeyPrefix Of(ComponentSpec spec)
    {
        var strategy = spec.Text("keyPrefix") ?? "appid";
        return strategy.Contains(Separator, StringComparison.Ordinal)
            ? throw spec.Error("keyPrefix", $"can't contain '{Separator}'")
            : new KeyPrefix(strategy, spec.Name);
    }

    /// <summary>A key with the separator in it could reach into another app's keys.</summary>
    public static bool IsLegal(string key) => !key.Contains(Separator, StringComparison.Ordinal);

    public string ToStored(SidecarApp app, string key) =>
        strategy.ToUpperInvariant() switch
        {
            "NONE" => key,
            "APPID" => app.AppId + Separator + key,
            "NAME" => componentName + Separator + key,
            "NAMESPACE" => app.Namespace.Length == 0
                ? app.AppId + Separator + key
                : $"{app.Namespace}.{app.AppId}{Separator}{key}",
            _ => strategy + Separator + key,
        };
}
