namespace Souk.Catalog;

/// <summary>What catalog is told from outside beside the settings that every service has.</summary>
/// <param name="ApprovesAtOnce">A new listing is on sale at once, without a moderator.</param>
internal sealed record CatalogSettings(bool ApprovesAtOnce = false)
{
    internal static CatalogSettings FromEnvironment() =>
        Env.Text("SOUK_CATALOG_MODERATION", "manual") switch
        {
            "manual" => new CatalogSettings(),
            "auto" => new CatalogSettings(ApprovesAtOnce: true),
            _ => throw new InvalidOperationException("SOUK_CATALOG_MODERATION must be manual or auto."),
        };
}
