using Microsoft.Extensions.DependencyInjection;
using Souk.Catalog.V1;
using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>The process that serves inventory.</summary>
internal static class InventoryHost
{
    private static Task Main() => ServiceHost.RunAsync("inventory", Configure);

    /// <summary>What the process consists of.</summary>
    internal static void Configure(ServiceBuilder service)
    {
        var settings = InventorySettings.FromEnvironment();
        service.Migrate("holds").Service<InventoryService>().Job<ExpiryJob>();
        service.Client<CatalogService.CatalogServiceClient>("catalog");
        service.Singleton<StockCache>().Singleton<StockChanges>().Singleton<DaprLeases>();
        service.Services.AddSingleton(provider => new HoldEngine(
            settings.HoldPath,
            provider.GetRequiredService<DaprLeases>()
        ));
    }
}
