using Microsoft.Extensions.DependencyInjection;
using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Options.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Client = Souk.Catalog.V1.CatalogService.CatalogServiceClient;

namespace Souk.Tests.Catalog;

/// <summary>
/// A catalog on a real sidecar: documents in a state store, their events delivered as in production.
/// </summary>
internal sealed class CatalogMesh : IAsyncDisposable
{
    private const string AppId = "catalog";
    private static readonly TestCaller ModeratorCaller = TestCaller.New(Role.Moderator);

    private CatalogMesh(TestMesh mesh, TestService service)
    {
        Mesh = mesh;
        Service = service;
        Anybody = mesh.Client<Client>(AppId);
        Moderator = mesh.Client<Client>(AppId, ModeratorCaller);
    }

    internal TestMesh Mesh { get; }

    internal TestService Service { get; }

    internal ManualTimeProvider Clock => Mesh.Clock;

    internal Client Anybody { get; }

    internal Client Moderator { get; }

    internal static async Task<CatalogMesh> StartAsync(CatalogSettings? settings = null)
    {
        var mesh = new TestMesh();
        await mesh.StartSidecarAsync(AppId);
        var service = await mesh.AddAsync(
            AppId,
            CatalogHost.Configure,
            services => services.AddSingleton(settings ?? new CatalogSettings())
        );
        // The tests' broker keeps nothing for a subscriber that is still to come.
        var dapr = service.Get<Souk.Shared.Sidecar>().Dapr;
        await Eventually.ThatAsync(async () =>
            (await dapr.GetMetadataAsync(new Dapr.Client.Autogen.Grpc.v1.GetMetadataRequest()))
                .Subscriptions
                .Count > 0
        );
        return new CatalogMesh(mesh, service);
    }

    /// <summary>
    /// A second process of the service: the same database, but a sidecar that is not there.
    /// </summary>
    internal async Task<Client> AddWithoutSidecarAsync(string name, TestCaller caller)
    {
        await Mesh.AddAsync(
            name,
            CatalogHost.Configure,
            change: settings =>
                settings with
                {
                    AppId = AppId,
                    Database = Service.Settings.Database,
                    DaprGrpcPort = 1,
                }
        );
        return Mesh.Client<Client>(name, caller);
    }

    internal Client As(TestCaller caller) => Mesh.Client<Client>(AppId, caller);

    internal T Get<T>()
        where T : notnull => Service.Get<T>();

    /// <summary>Lists a product as a new seller's draft.</summary>
    internal async Task<Product> DraftAsync(Product product, TestCaller? seller = null) =>
        await As(seller ?? TestCaller.Seller())
            .CreateProductAsync(new CreateProductRequest { Product = product });

    /// <summary>Lists a product, puts it on sale and waits until the lists show it.</summary>
    internal async Task<Product> ActiveAsync(Product product, TestCaller? seller = null)
    {
        var draft = await DraftAsync(product, seller);
        var active = await Moderator.ApproveProductAsync(
            new ApproveProductRequest { ProductId = draft.ProductId }
        );
        await ListedAsync(active);
        return active;
    }

    /// <summary>Waits until the listing has this version of the product or a newer one.</summary>
    internal Task ListedAsync(Product product) =>
        Eventually.ThatAsync(async () =>
            await Service.Db.ScalarAsync<long>(
                "select version from listing where product_id = $1",
                [Ids.Parse("prod", product.ProductId)],
                CancellationToken.None
            ) >= Etag.Parse(product.Etag)
        );

    internal async Task<Product> GetAsync(string productId, TestCaller? caller = null) =>
        await (caller is null ? Anybody : As(caller)).GetProductAsync(
            new GetProductRequest { ProductId = productId }
        );

    public ValueTask DisposeAsync() => Mesh.DisposeAsync();
}

/// <summary>
/// The catalog of all fixtures that leave its clock alone. Their products do not meet: all names are new.
/// </summary>
[SetUpFixture]
internal sealed class SharedCatalog
{
    private static CatalogMesh? s_mesh;

    internal static CatalogMesh Mesh =>
        s_mesh ?? throw new InvalidOperationException("The shared catalog has not started.");

    [OneTimeSetUp]
    public async Task Start() => s_mesh = await CatalogMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (s_mesh is not null)
            await s_mesh.DisposeAsync();
    }
}
