using Grpc.Core;
using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

/// <summary>
/// SKUs stay unique whoever races and wherever a process dies. The clock is this fixture's own.
/// </summary>
internal sealed class SkuClaimTests
{
    private static readonly TimeSpan Past = TimeSpan.FromMinutes(6);

    private CatalogMesh _mesh = null!;

    [OneTimeSetUp]
    public async Task Start() => _mesh = await CatalogMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_mesh is not null)
            await _mesh.DisposeAsync();
    }

    [Test, Description("CAT-03")]
    public async Task CreateProduct_TenSellersOneSku_OneGetsIt()
    {
        var sku = Samples.Unique("RACE");

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => OutcomeAsync(sku)));

        Assert.That(outcomes.Count(outcome => outcome == "SKU_TAKEN"), Is.EqualTo(9));
        Assert.That(outcomes.Count(outcome => outcome != "SKU_TAKEN"), Is.EqualTo(1));
    }

    [Test, Description("CAT-03, X-09")]
    public async Task CreateProduct_DiedBeforeTheDocument_IsFinishedByItsRepeat()
    {
        var seller = TestCaller.Seller();
        var request = new CreateProductRequest
        {
            RequestId = Guid.CreateVersion7().ToString(),
            Product = Samples.Phone(),
        };
        var dying = await _mesh.AddWithoutSidecarAsync("dying", seller);
        Assert.That(
            await Failure.OfAsync(() => dying.CreateProductAsync(request)),
            Is.EqualTo(new Failure(StatusCode.Unavailable, "DEPENDENCY_UNAVAILABLE"))
        );
        // Nobody else gets the SKU while the repeat may come.
        Assert.That(await OutcomeAsync(request.Product.Variants[0].Sku), Is.EqualTo("SKU_TAKEN"));

        var created = await _mesh.As(seller).CreateProductAsync(request);

        Assert.That(await _mesh.GetAsync(created.ProductId, seller), Is.EqualTo(created));
        Assert.That(await _mesh.As(seller).CreateProductAsync(request), Is.EqualTo(created));
    }

    [Test, Description("CAT-03")]
    public async Task CreateProduct_SkuOfAnAbandonedListing_IsTakenOver()
    {
        var seller = TestCaller.Seller();
        var request = new CreateProductRequest
        {
            RequestId = Guid.CreateVersion7().ToString(),
            Product = Samples.Phone(),
        };
        var sku = request.Product.Variants[0].Sku;
        var dying = await _mesh.AddWithoutSidecarAsync("abandoning", seller);
        await Failure.OfAsync(() => dying.CreateProductAsync(request));
        _mesh.Clock.Advance(Past);

        var taker = await OutcomeAsync(sku);

        Assert.That(taker, Does.StartWith("prod_"));
        // The repeat that comes too late has lost it, and leaves nothing behind.
        Assert.That(
            await Failure.OfAsync(() => _mesh.As(seller).CreateProductAsync(request)),
            Is.EqualTo(new Failure(StatusCode.AlreadyExists, "SKU_TAKEN"))
        );
        Assert.That(await OwnerAsync(sku), Is.EqualTo(taker));
    }

    [Test]
    public async Task CreateProduct_SkuOfAListingThatIsThere_IsNeverTakenOver()
    {
        var draft = await _mesh.DraftAsync(Samples.Phone());
        _mesh.Clock.Advance(Past);
        Assert.That(await OutcomeAsync(draft.Variants[0].Sku), Is.EqualTo("SKU_TAKEN"));
    }

    [Test]
    public async Task UpdateProduct_DiedBeforeTheDocument_LosesTheSkuButNotTheRace()
    {
        var seller = TestCaller.Seller();
        var draft = await _mesh.DraftAsync(Samples.Phone(), seller);
        var productId = Ids.Parse("prod", draft.ProductId);
        var store = _mesh.Get<ProductStore>();
        var before = await store.ReadAsync(productId, CancellationToken.None);
        // What an update does before its process falls asleep: it has claimed and not yet written.
        var sku = Samples.Unique("LATE");
        var next = before!.Document.Clone();
        next.Version++;
        next.Product.Variants.Add(new Variant { Sku = sku });
        await _mesh.Service.Db.InTransactionAsync(
            tx => Skus.ClaimAsync(tx, next, [sku]),
            CancellationToken.None
        );
        Assert.That(await OutcomeAsync(sku), Is.EqualTo("SKU_TAKEN"));
        _mesh.Clock.Advance(Past);

        var taker = await OutcomeAsync(sku);
        var woken = await store.TryWriteAsync(next, before.Etag, CancellationToken.None);

        Assert.That(taker, Does.StartWith("prod_"));
        Assert.That(woken, Is.False);
        Assert.That(await _mesh.GetAsync(draft.ProductId, seller), Is.EqualTo(draft));
    }

    [Test, Description("CAT-04")]
    public async Task UpdateProduct_SkuOfAnother_FailsWithSkuTakenAndChangesNothing()
    {
        var seller = TestCaller.Seller();
        var taken = await _mesh.DraftAsync(Samples.Phone());
        var draft = await _mesh.DraftAsync(Samples.Phone(), seller);
        var changed = draft.Clone();
        changed.Name = "Another name";
        changed.Variants.Add(new Variant { Sku = taken.Variants[0].Sku });

        var failure = await Failure.OfAsync(() => UpdateAsync(seller, changed));

        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.AlreadyExists, "SKU_TAKEN")));
        Assert.That(await _mesh.GetAsync(draft.ProductId, seller), Is.EqualTo(draft));
    }

    [Test, Description("CAT-04")]
    public async Task UpdateProduct_DroppedSku_IsFreeForOthers()
    {
        var seller = TestCaller.Seller();
        var draft = await _mesh.DraftAsync(Samples.Phone(), seller);
        var dropped = draft.Variants[0].Sku;
        draft.Variants[0].Sku = Samples.Unique("KEPT");

        await UpdateAsync(seller, draft);

        Assert.That(await OutcomeAsync(dropped), Does.StartWith("prod_"));
        Assert.That(await OutcomeAsync(draft.Variants[0].Sku), Is.EqualTo("SKU_TAKEN"));
    }

    [Test]
    public async Task TryWrite_AnswerWasLost_FindsItsOwnDocument()
    {
        var draft = await _mesh.DraftAsync(Samples.Phone());
        var store = _mesh.Get<ProductStore>();
        var before = await StoredAsync(draft);
        var next = _mesh.Get<ProductEditor>().Moved(before.Document, ProductStatus.Active);
        Assert.That(await store.TryWriteAsync(next, before.Etag, CancellationToken.None), Is.True);

        Assert.That(await store.TryWriteAsync(next, before.Etag, CancellationToken.None), Is.True);
        next = next.Clone();
        next.Product.Name = "Somebody else's";
        Assert.That(await store.TryWriteAsync(next, before.Etag, CancellationToken.None), Is.False);
    }

    [Test]
    public async Task GetProduct_StoreDoesNotAnswer_FailsWithDependencyUnavailable()
    {
        var draft = await _mesh.DraftAsync(Samples.Phone());
        var blind = await _mesh.AddWithoutSidecarAsync("blind", TestCaller.Operator());
        var failure = await Failure.OfAsync(() =>
            blind.GetProductAsync(new GetProductRequest { ProductId = draft.ProductId })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "DEPENDENCY_UNAVAILABLE")));
        Assert.That(Fault.RetryAfterOf(failure.Error), Is.EqualTo(TimeSpan.FromSeconds(1)));
    }

    [Test]
    public async Task Free_AfterTheSkuWasTakenAgain_KeepsTheNewerClaim()
    {
        var seller = TestCaller.Seller();
        var draft = await _mesh.DraftAsync(Samples.Phone(), seller);
        var sku = draft.Variants[0].Sku;
        draft.Variants[0].Sku = Samples.Unique("KEPT");
        var second = await UpdateAsync(seller, draft);
        var stored = await StoredAsync(second);
        second.Variants.Add(new Variant { Sku = sku });
        await UpdateAsync(seller, second);

        // The second version's own clean-up comes late: the third has the SKU again.
        await _mesh.Get<Skus>().FreeAsync(stored.Document, [sku], CancellationToken.None);

        Assert.That(await OutcomeAsync(sku), Is.EqualTo("SKU_TAKEN"));
    }

    private async Task<StoredProduct> StoredAsync(Product product) =>
        (
            await _mesh
                .Get<ProductStore>()
                .ReadAsync(Ids.Parse("prod", product.ProductId), CancellationToken.None)
        )!;

    private async Task<Product> UpdateAsync(TestCaller seller, Product product) =>
        await _mesh
            .As(seller)
            .UpdateProductAsync(
                new UpdateProductRequest { ProductId = product.ProductId, Product = product }
            );

    /// <summary>Tries to list a product with the SKU: its id, or the reason why not.</summary>
    private async Task<string> OutcomeAsync(string sku)
    {
        try
        {
            return (await _mesh.DraftAsync(Samples.Phone(sku))).ProductId;
        }
        catch (RpcException e)
        {
            return Fault.ReasonOf(e);
        }
    }

    private async Task<string?> OwnerAsync(string sku)
    {
        var offers = await _mesh
            .As(TestCaller.Service("ordering"))
            .BatchGetOffersAsync(new BatchGetOffersRequest { Skus = { sku } });
        return offers.Offers.SingleOrDefault()?.ProductId;
    }
}
