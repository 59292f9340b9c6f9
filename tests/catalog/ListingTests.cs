using Google.Protobuf.WellKnownTypes;
using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Catalog;

/// <summary>The read model against its events: late, twice, lost. It is emptied here, so the mesh is this
/// fixture's own.</summary>
internal sealed class ListingTests
{
    private CatalogMesh _mesh = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _mesh = await CatalogMesh.StartAsync();
        // Its first round comes an hour after it was made, which is when a process starts.
        _mesh.Get<ListingRebuild>();
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_mesh is not null)
            await _mesh.DisposeAsync();
    }

    [Test, Description("X-15")]
    public async Task Rebuild_FromTheDocuments_EqualsTheLiveListing()
    {
        var seller = TestCaller.Seller();
        var active = await _mesh.ActiveAsync(Samples.Phone(), seller);
        var draft = await _mesh.DraftAsync(Samples.Phone(), seller);
        var deleted = await _mesh.ActiveAsync(Samples.Phone(), seller);
        await _mesh.As(seller).DeleteProductAsync(new DeleteProductRequest { ProductId = deleted.ProductId });
        deleted.Etag = "v3";
        var changed = await _mesh.ActiveAsync(Samples.Phone(), seller);
        changed.Category.Add("Refurbished");
        changed = await _mesh
            .As(seller)
            .UpdateProductAsync(
                new UpdateProductRequest { ProductId = changed.ProductId, Product = changed }
            );
        foreach (var product in new[] { active, draft, deleted, changed })
            await _mesh.ListedAsync(product);
        var live = await SnapshotAsync();

        await _mesh.Service.Db.ExecuteAsync("truncate listing cascade", [], CancellationToken.None);
        Assert.That(await SnapshotAsync(), Is.Empty);
        // An empty listing is noticed before the hour is over.
        await _mesh.Service.RunJobAsync<ListingRebuild>();

        Assert.That(await SnapshotAsync(), Is.EqualTo(live));
        Assert.That(live, Has.Count.GreaterThanOrEqualTo(4 + 3 + 4));
    }

    [Test, Description("X-15")]
    public async Task Rebuild_AfterALostEvent_HealsTheListing()
    {
        var product = await _mesh.ActiveAsync(Samples.Phone());
        var live = await SnapshotAsync();
        await _mesh.Service.Db.ExecuteAsync(
            "update listing set version = 1, status = 'draft' where product_id = $1",
            [Ids.Parse("prod", product.ProductId)],
            CancellationToken.None
        );

        await RebuildAsync();

        Assert.That(await SnapshotAsync(), Is.EqualTo(live));
    }

    [Test, Description("X-15")]
    public async Task Rebuild_NothingBehind_ChangesNothing()
    {
        await _mesh.ActiveAsync(Samples.Phone());
        var live = await SnapshotAsync();
        await RebuildAsync();
        Assert.That(await SnapshotAsync(), Is.EqualTo(live));
    }

    [Test, Description("CAT-09, X-17")]
    public async Task ListCategories_NewRoot_IsShownWithinFiveSeconds()
    {
        async Task<List<string>> Roots() =>
            [
                .. (await _mesh.Anybody.ListCategoriesAsync(new ListCategoriesRequest())).Categories.Select(
                    root => root.Path
                ),
            ];

        await Roots();
        var product = await _mesh.ActiveAsync(Samples.Phone());
        var draft = await _mesh.DraftAsync(Samples.Phone());
        await _mesh.ListedAsync(draft);
        _mesh.Clock.Advance(TimeSpan.FromSeconds(5));

        Assert.That(
            await Roots(),
            Does.Contain(product.Category[0]).And.Not.Contain(draft.Category[0]).And.Ordered
        );
    }

    [Test, Description("X-15")]
    public async Task Apply_OlderDocument_IsIgnored()
    {
        var product = await _mesh.ActiveAsync(Samples.Phone());
        var live = await SnapshotAsync();
        var stored = await _mesh
            .Get<ProductStore>()
            .ReadAsync(Ids.Parse("prod", product.ProductId), CancellationToken.None);
        var older = stored!.Document.Clone();
        older.Version = 1;
        older.Product.Status = ProductStatus.Draft;

        foreach (var document in new[] { older, stored.Document })
        {
            var applied = await _mesh.Service.Db.InTransactionAsync(
                tx => Listing.ApplyAsync(tx, document),
                CancellationToken.None
            );
            Assert.That(applied, Is.False);
        }
        Assert.That(await SnapshotAsync(), Is.EqualTo(live));
    }

    [Test, Description("X-17")]
    public async Task Changed_NewVersion_GoesOnAsCacheInvalidate()
    {
        var product = await _mesh.ActiveAsync(Samples.Phone());
        await _mesh.Mesh.DeliverEventsAsync();
        Assert.That(
            _mesh
                .Mesh.Bus.On<CacheInvalidate>("cache.invalidate")
                .Where(invalid => invalid.ProductId == product.ProductId)
                .Max(invalid => invalid.Version),
            Is.EqualTo(2)
        );
    }

    [Test, Description("X-17")]
    public async Task Invalidated_ByAnotherProcess_IsReadAgain()
    {
        var product = await _mesh.ActiveAsync(Samples.Phone());
        await _mesh.GetAsync(product.ProductId);
        // Another process writes: this one's memory does not know.
        var id = Ids.Parse("prod", product.ProductId);
        var store = _mesh.Get<ProductStore>();
        var stored = await store.ReadAsync(id, CancellationToken.None);
        var next = stored!.Document.Clone();
        next.Version++;
        next.Product.Name = "Renamed elsewhere";
        Assert.That(await store.TryWriteAsync(next, stored.Etag, CancellationToken.None), Is.True);
        var verdict = await DeliverAsync(
            new CacheInvalidate { ProductId = product.ProductId, Version = next.Version },
            "cache.invalidate"
        );

        Assert.That(verdict, Is.EqualTo(Verdict.Success));
        var renamed = await _mesh.GetAsync(product.ProductId);
        Assert.That(renamed.Name, Is.EqualTo("Renamed elsewhere"));
        // Its event is on its way to the listing, which other tests look at.
        await _mesh.ListedAsync(renamed);
    }

    [Test, Description("X-17")]
    public async Task GetProduct_ChangedByAnotherProcess_IsFreshAfterFiveSeconds()
    {
        await using var other = await CatalogMesh.StartAsync();
        var product = await other.DraftAsync(Samples.Phone());
        await other.ListedAsync(product);
        var id = Ids.Parse("prod", product.ProductId);
        var reader = new Products(other.Get<ProductStore>(), other.Get<Sellers>(), other.Clock);
        Assert.That((await reader.GetAsync(id, CancellationToken.None))!.Version, Is.EqualTo(1));

        await other.Moderator.ApproveProductAsync(
            new ApproveProductRequest { ProductId = product.ProductId }
        );

        Assert.That((await reader.GetAsync(id, CancellationToken.None))!.Version, Is.EqualTo(1));
        other.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.That((await reader.GetAsync(id, CancellationToken.None))!.Version, Is.EqualTo(2));
    }

    [Test]
    public async Task Changed_UnknownProduct_HoldsNothingUp() =>
        Assert.That(
            await DeliverAsync(
                new ProductChanged
                {
                    ProductId = Ids.New("prod", TimeProvider.System),
                    Version = 1,
                    ChangedAt = new Timestamp(),
                },
                "product.changed"
            ),
            Is.EqualTo(Verdict.Success)
        );

    [Test, Description("CAT-14")]
    public async Task Report_OfAMinute_CountsWhatCameSince()
    {
        var product = await _mesh.ActiveAsync(Samples.Phone());
        var products = _mesh.Get<Products>();
        var (hits, misses) = (products.Hits, products.Misses);
        for (var i = 0; i < 10; i++)
            await _mesh.GetAsync(product.ProductId);
        Assert.That((products.Hits - hits, products.Misses - misses), Is.EqualTo((9, 1)));
        Assert.That(await _mesh.Get<CacheReport>().RunOnceAsync(CancellationToken.None), Is.False);
    }

    private Task<Verdict> DeliverAsync(Google.Protobuf.IMessage message, string topic) =>
        _mesh.Mesh.Bus.DeliverAsync(
            "catalog",
            new OutboxEvent(
                Guid.CreateVersion7(),
                topic,
                message.Descriptor.FullName,
                message.ToString()!,
                TraceParent: null
            )
        );

    private async Task RebuildAsync()
    {
        _mesh.Clock.Advance(TimeSpan.FromHours(1));
        await _mesh.Service.RunJobAsync<ListingRebuild>();
    }

    /// <summary>Both tables as text, every column.</summary>
    private async Task<List<string>> SnapshotAsync()
    {
        var listing = await _mesh.Service.Db.ListAsync(
            """
            select row(product_id, version, seller_id, status, brand_key, created_at, md5(card))::text
              from listing order by product_id
            """,
            [],
            row => row.GetString(0),
            CancellationToken.None
        );
        var categories = await _mesh.Service.Db.ListAsync(
            "select listing_category::text from listing_category order by product_id, path_key",
            [],
            row => row.GetString(0),
            CancellationToken.None
        );
        return [.. listing, .. categories];
    }
}
