using Microsoft.Extensions.DependencyInjection;
using Souk.Inventory;
using Souk.Inventory.V1;
using Souk.Shared.Holds;
using Souk.Tests.Harness;
using Client = Souk.Inventory.V1.InventoryService.InventoryServiceClient;

namespace Souk.Tests.Inventory;

/// <summary>
/// An inventory with stock that tests put there. SKUs are new each time, so that tests do not meet.
/// </summary>
internal sealed class InventoryMesh : IAsyncDisposable
{
    private static int s_names;

    private InventoryMesh(TestMesh mesh, TestService service)
    {
        Mesh = mesh;
        Service = service;
        Anybody = mesh.Client<Client>("inventory");
        Operator = As(TestCaller.Operator());
        Ordering = As(TestCaller.Service("ordering"));
    }

    internal TestMesh Mesh { get; }

    internal TestService Service { get; }

    internal Client Anybody { get; }

    internal Client Operator { get; }

    /// <summary>As checkouts call.</summary>
    internal Client Ordering { get; }

    internal static async Task<InventoryMesh> StartAsync()
    {
        var mesh = new TestMesh();
        return new InventoryMesh(mesh, await mesh.AddAsync("inventory", InventoryHost.Configure));
    }

    /// <summary>Joins a mesh that has other services, with an engine of the test's choice.</summary>
    internal static async Task<InventoryMesh> JoinAsync(TestMesh mesh, HoldEngine engine) =>
        new(
            mesh,
            await mesh.AddAsync(
                "inventory",
                InventoryHost.Configure,
                services => services.AddSingleton(engine)
            )
        );

    internal static string NewSku(string prefix = "SKU") =>
        $"{prefix}-{Interlocked.Increment(ref s_names):D6}";

    internal static string NewHoldId() => Guid.CreateVersion7().ToString();

    internal Client As(TestCaller caller) => Mesh.Client<Client>("inventory", caller);

    /// <summary>A new SKU with stock in WH001, WH002, WH003, as far as quantities are given.</summary>
    internal async Task<string> StockedAsync(params long[] quantities)
    {
        var sku = NewSku();
        for (var i = 0; i < quantities.Length; i++)
        {
            if (quantities[i] > 0)
                await ReceiveAsync(sku, $"WH00{i + 1}", quantities[i]);
        }
        return sku;
    }

    /// <summary>Receives as the RPC does once it knows who sells the SKU.</summary>
    internal Task ReceiveAsync(string sku, string warehouseId, long quantity) =>
        Service.Db.InTransactionAsync(
            async tx =>
            {
                var line = new HoldLine(new PoolKey(sku, warehouseId), quantity);
                var change = await HoldEngine.ReceiveAsync(tx, line, "delivery");
                await Service.Get<StockChanges>().PublishAsync(tx, [change]);
            },
            default
        );

    internal static ReserveStockRequest Request(params (string Sku, long Quantity)[] lines)
    {
        var request = new ReserveStockRequest
        {
            HoldId = NewHoldId(),
            UserId = "user_1",
            OrderId = "ord_1",
        };
        request.Lines.Add(lines.Select(line => new StockLine { Sku = line.Sku, Quantity = line.Quantity }));
        return request;
    }

    internal async Task<StockHold> ReserveAsync(params (string Sku, long Quantity)[] lines) =>
        await Ordering.ReserveStockAsync(Request(lines));

    /// <summary>Available and reserved over all warehouses, past the cache.</summary>
    internal async Task<(long Available, long Reserved)> UnitsAsync(string sku)
    {
        var stock = await StockCache.ReadAsync(Service.Db, sku, default);
        return stock is null ? default : (stock.Available, stock.Reserved);
    }

    /// <summary>Replay equals current.</summary>
    internal async Task AssertAuditAsync(string sku) =>
        Assert.That(await HoldEngine.AuditAsync(Service.Db, sku, default), Is.Empty);

    public ValueTask DisposeAsync() => Mesh.DisposeAsync();
}

/// <summary>The inventory of all fixtures that leave its clock alone.</summary>
[SetUpFixture]
internal sealed class SharedInventory
{
    private static InventoryMesh? s_mesh;

    internal static InventoryMesh Mesh =>
        s_mesh ?? throw new InvalidOperationException("The shared inventory has not started.");

    [OneTimeSetUp]
    public async Task Start() => s_mesh = await InventoryMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (s_mesh is not null)
            await s_mesh.DisposeAsync();
    }
}
