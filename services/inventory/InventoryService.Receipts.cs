using Google.Protobuf;
using Grpc.Core;
using Npgsql;
using Souk.Catalog.V1;
using Souk.Inventory.V1;
using Souk.Shared.Holds;
using Reasons = Souk.Type.Reason;

namespace Souk.Inventory;

internal sealed partial class InventoryService
{
    private const long ReceiptQuantityMax = 1_000_000;
    private static readonly TimeSpan CatalogTimeout = TimeSpan.FromSeconds(3);

    public override async Task<Stock> ReceiveStock(ReceiveStockRequest request, ServerCallContext context)
    {
        if (request.Quantity is < 1 or > ReceiptQuantityMax)
            throw Fault.InvalidArgument("quantity", "must be 1 to 1,000,000");
        var sellerId = await SellerOfAsync(request.Sku, context);
        try
        {
            return await db.InTransactionAsync(
                async tx =>
                    await ClaimAsync(tx, sellerId, request)
                        ? await BookAsync(tx, sellerId, request)
                        : await RecallAsync(tx, sellerId, request),
                context.CancellationToken
            );
        }
        catch (PostgresException e) when (e.IsForeignKey("pool_place_fkey"))
        {
            throw Fault.NotFound("warehouse", request.WarehouseId);
        }
    }

    // A seller learns nothing about SKUs of others: they look as if no product had them.
    private async Task<string> SellerOfAsync(string sku, ServerCallContext context)
    {
        var offers = await catalog.BatchGetOffersAsync(
            new BatchGetOffersRequest { Skus = { sku } },
            Mesh.Call(context, CatalogTimeout)
        );
        var offer = offers.Offers.FirstOrDefault(offer => offer.Sku == sku);
        return offer is not null && Caller.Of(context).MaySee(offer.SellerId)
            ? offer.SellerId
            : throw Fault.NotFound("sku", sku);
    }

    private static async Task<bool> ClaimAsync(
        DbTransaction tx,
        string sellerId,
        ReceiveStockRequest request
    ) =>
        await tx.ExecuteAsync(
            ReceiveStockClaimSql,
            [
                sellerId,
                request.DocumentId,
                request.Sku,
                request.WarehouseId,
                request.Quantity,
                tx.Clock.GetUtcNow(),
            ],
            tx.CancellationToken
        ) == 1;

    private const string ReceiveStockClaimSql = """
        insert into receipt (seller_id, document_id, sku, warehouse_id, quantity, created_at)
        values ($1, $2, $3, $4, $5, $6) on conflict on constraint receipt_pkey do nothing
        """;

    private async Task<Stock> BookAsync(DbTransaction tx, string sellerId, ReceiveStockRequest request)
    {
        var line = new HoldLine(new PoolKey(request.Sku, request.WarehouseId), request.Quantity);
        var change = await HoldEngine.ReceiveAsync(tx, line, request.DocumentId);
        await changes.PublishAsync(tx, [change]);
        var stock = await StockCache.ReadAsync(tx, request.Sku, tx.CancellationToken);
        Invariant.That(stock is not null, "what was received is there");
        tx.Defer(
            ReceiveStockReplySql,
            [sellerId, request.DocumentId, request.Sku, request.WarehouseId, stock.ToByteArray()]
        );
        return stock;
    }

    private const string ReceiveStockReplySql = """
        update receipt set reply = $5
         where seller_id = $1 and document_id = $2 and sku = $3 and warehouse_id = $4
        """;

    private static async Task<Stock> RecallAsync(
        DbTransaction tx,
        string sellerId,
        ReceiveStockRequest request
    )
    {
        var reply = await tx.OneAsync(
            ReceiveStockRecallSql,
            [sellerId, request.DocumentId, request.Sku, request.WarehouseId, request.Quantity],
            row => Stock.Parser.ParseFrom(row.GetFieldValue<byte[]>(0)),
            tx.CancellationToken
        );
        return reply
            ?? throw Fault.Aborted(
                Reasons.IdempotencyMismatch,
                "The document was booked before with another quantity.",
                ("document_id", request.DocumentId)
            );
    }

    private const string ReceiveStockRecallSql = """
        select reply from receipt
         where seller_id = $1 and document_id = $2 and sku = $3 and warehouse_id = $4 and quantity = $5
        """;
}
