using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Inventory.V1;
using Souk.Shared;
using Souk.Shared.Holds;
using Souk.Tests.Catalog;
using Souk.Tests.Harness;

namespace Souk.Tests.Inventory;

/// <summary>
/// Deliveries, beside the real catalog that knows who sells what, and leases of a real sidecar.
/// </summary>
internal sealed class ReceiptTests
{
    private readonly TestCaller _seller = TestCaller.Seller();
    private CatalogMesh _catalog = null!;
    private InventoryMesh _mesh = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _catalog = await CatalogMesh.StartAsync();
        // No sidecar of its own: it asks catalog's for leases.
        _mesh = await InventoryMesh.JoinAsync(
            _catalog.Mesh,
            new HoldEngine(
                HoldPath.Leased,
                new DaprLeases(
                    _catalog.Get<Souk.Shared.Sidecar>(),
                    TimeProvider.System,
                    NullLogger<DaprLeases>.Instance
                )
            )
        );
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_catalog is not null)
            await _catalog.DisposeAsync();
    }

    [Test, Description("INV-14")]
    public async Task ReceiveStock_OwnSku_AddsUnits()
    {
        var sku = await ProductAsync();
        await ReceiveAsync(sku, 5, "D-1");
        var stock = await ReceiveAsync(sku, 7, "D-2", warehouseId: "WH003");
        var expected = new Stock
        {
            Sku = sku,
            Available = 12,
            Total = 12,
            Warehouses =
            {
                new WarehouseStock
                {
                    WarehouseId = "WH001",
                    Available = 5,
                    Total = 5,
                    Version = 1,
                },
                new WarehouseStock
                {
                    WarehouseId = "WH003",
                    Available = 7,
                    Total = 7,
                    Version = 1,
                },
            },
        };
        Assert.That(stock, Is.EqualTo(expected));
    }

    [Test, Description("INV-14: operators receive for every seller")]
    public async Task ReceiveStock_ByAnOperator_AddsUnits()
    {
        var sku = await ProductAsync();
        Assert.That((await ReceiveAsync(sku, 5, "D", TestCaller.Operator())).Available, Is.EqualTo(5));
    }

    [Test, Description("INV-14, X-09: as the first time, whatever happened since")]
    public async Task ReceiveStock_SameDocumentAgain_AnswersAsTheFirstTime()
    {
        var sku = await ProductAsync();
        var first = await ReceiveAsync(sku, 5, "note");
        await _mesh.ReserveAsync((sku, 2));
        Assert.That(await ReceiveAsync(sku, 5, "note"), Is.EqualTo(first));
        Assert.That(await ReceiveAsync(sku, 5, "note", TestCaller.Operator()), Is.EqualTo(first));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((3L, 2L)));
    }

    [Test, Description("X-09")]
    public async Task ReceiveStock_SameDocumentInParallel_BooksOnce()
    {
        var sku = await ProductAsync();
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(_ => ReceiveAsync(sku, 5, "parallel"))
        );
        Assert.That(replies, Is.All.EqualTo(replies[0]));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((5L, 0L)));
    }

    [Test, Description("X-09")]
    public async Task ReceiveStock_SameDocumentOtherQuantity_IsAMismatch()
    {
        var sku = await ProductAsync();
        await ReceiveAsync(sku, 5, "content");
        var expected = new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH");
        Assert.That(await Fails(() => ReceiveAsync(sku, 6, "content")), Is.EqualTo(expected));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((5L, 0L)));
    }

    [Test, Description("INV-14")]
    public async Task ReceiveStock_DocumentOfManyLines_BooksEach()
    {
        var (sku, other) = (await ProductAsync(), await ProductAsync());
        for (var i = 0; i < 2; i++)
        {
            await ReceiveAsync(sku, 5, "lines");
            await ReceiveAsync(sku, 2, "lines", warehouseId: "WH002");
            await ReceiveAsync(other, 3, "lines");
        }
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((7L, 0L)));
        Assert.That(await _mesh.UnitsAsync(other), Is.EqualTo((3L, 0L)));
    }

    [Test]
    public async Task ReceiveStock_SameDocumentOfAnotherSeller_IsAnother()
    {
        var other = TestCaller.Seller();
        var theirs = await ProductAsync(other);
        await ReceiveAsync(await ProductAsync(), 5, "number 1");
        Assert.That((await ReceiveAsync(theirs, 5, "number 1", other)).Available, Is.EqualTo(5));
    }

    [Test]
    public async Task ReceiveStock_NobodysOrAnothersSku_IsNotFound()
    {
        var theirs = await ProductAsync(TestCaller.Seller());
        var expected = new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND");
        Assert.That(await Fails(() => ReceiveAsync(theirs, 5, "D")), Is.EqualTo(expected));
        Assert.That(await Fails(() => ReceiveAsync(InventoryMesh.NewSku(), 5, "D")), Is.EqualTo(expected));
        Assert.That(
            await Fails(() => ReceiveAsync(InventoryMesh.NewSku(), 5, "D", TestCaller.Operator())),
            Is.EqualTo(expected)
        );
    }

    [Test]
    public async Task ReceiveStock_UnknownWarehouse_IsNotFoundAndLeavesTheDocumentFree()
    {
        var sku = await ProductAsync();
        Assert.That(
            await Fails(() => ReceiveAsync(sku, 5, "lost", warehouseId: "WH999")),
            Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
        );
        Assert.That((await ReceiveAsync(sku, 5, "lost")).Available, Is.EqualTo(5));
    }

    [Test]
    public async Task ReceiveStock_BadQuantityOrDocument_IsInvalid()
    {
        var sku = await ProductAsync();
        foreach (var quantity in new[] { 0, -1, 1_000_001 })
            Assert.That(
                await Fails(() => ReceiveAsync(sku, quantity, "D")),
                Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD"))
            );
        Assert.That(
            await Fails(() => ReceiveAsync(sku, 1, "")),
            Is.EqualTo(new Failure(StatusCode.InvalidArgument, "FIELD_REQUIRED"))
        );
        Assert.That(
            await Fails(() => ReceiveAsync(sku, 1, new string('d', 101))),
            Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD"))
        );
    }

    [Test, Description("X-05")]
    public async Task ReceiveStock_ByABuyer_IsDenied() =>
        Assert.That(
            await Fails(() => ReceiveAsync("SKU", 5, "D", TestCaller.Buyer())),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );

    [Test, Description("INV-04, V5, X-21: ten buyers below the lock store's leases")]
    public async Task ReserveStock_BelowRealLeases_SellsTheLastUnitOnce()
    {
        var sku = await _mesh.StockedAsync(1);
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(async _ =>
                {
                    try
                    {
                        return (await _mesh.ReserveAsync((sku, 1))).Status.ToString();
                    }
                    catch (RpcException e)
                    {
                        return Fault.ReasonOf(e);
                    }
                })
        );
        Assert.That(answers.Count(answer => answer == "Active"), Is.EqualTo(1));
        Assert.That(answers.Count(answer => answer == "OUT_OF_STOCK"), Is.EqualTo(9));
        await _mesh.AssertAuditAsync(sku);
    }

    private async Task<string> ProductAsync(TestCaller? seller = null)
    {
        var product = await _catalog.DraftAsync(Samples.Phone(), seller ?? _seller);
        return product.Variants[0].Sku;
    }

    private async Task<Stock> ReceiveAsync(
        string sku,
        long quantity,
        string documentId,
        TestCaller? caller = null,
        string warehouseId = "WH001"
    ) =>
        await _mesh
            .As(caller ?? _seller)
            .ReceiveStockAsync(
                new ReceiveStockRequest
                {
                    Sku = sku,
                    WarehouseId = warehouseId,
                    Quantity = quantity,
                    DocumentId = documentId,
                }
            );

    private static Task<Failure> Fails(Func<Task> work) => Failure.OfAsync(work);
}
