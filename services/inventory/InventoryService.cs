using Souk.Catalog.V1;
using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>
/// Stock and the holds on it. Holds are the engine's; what a change means to others is StockChanges'.
/// </summary>
internal sealed partial class InventoryService(
    Db db,
    HoldEngine engine,
    StockChanges changes,
    StockCache cache,
    PageTokens pages,
    CatalogService.CatalogServiceClient catalog
) : V1.InventoryService.InventoryServiceBase;
