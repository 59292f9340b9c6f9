using Microsoft.Extensions.DependencyInjection;

namespace Souk.Catalog;

/// <summary>The process that serves the catalog.</summary>
internal static class CatalogHost
{
    private static Task Main() => ServiceHost.RunAsync("catalog", Configure);

    /// <summary>What the process consists of.</summary>
    internal static void Configure(ServiceBuilder service)
    {
        service.Service<CatalogService>().Events<CatalogEvents>().Job<ListingRebuild>().Job<CacheReport>();
        service.Needs<ProductStore>().Singleton<Products>().Singleton<ProductEditor>().Singleton<Skus>();
        service.Singleton<Sellers>();
        service.Services.AddSingleton(CatalogSettings.FromEnvironment());
    }
}
