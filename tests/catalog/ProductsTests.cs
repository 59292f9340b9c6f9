using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Catalog.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

[Parallelizable(ParallelScope.All)]
internal sealed class ProductsTests
{
    private static CatalogMesh Mesh => SharedCatalog.Mesh;

    [Test, Description("CAT-01, CAT-06")]
    public async Task GetProduct_OnSale_HasTheWholeDocument()
    {
        var seller = TestCaller.Seller();
        var sent = Samples.Phone();
        var created = await Mesh.ActiveAsync(sent, seller);

        var product = await Mesh.GetAsync(created.ProductId);

        var expected = sent.Clone();
        expected.ProductId = expected.Id = created.ProductId;
        expected.SellerId = seller.UserId;
        expected.Price.Amount = expected.Price.DiscountedAmount = Samples.Usd(99_999);
        expected.Variants[0].InventoryId = expected.Variants[0].Sku;
        expected.Rating = new Rating();
        expected.Status = ProductStatus.Active;
        expected.CreatedAt = expected.UpdatedAt = Timestamp.FromDateTimeOffset(Mesh.Clock.GetUtcNow());
        expected.Etag = "v2";
        Assert.That(product, Is.EqualTo(expected));
    }

    [TestCase("prod_0198c1d2000070008000000000000000")]
    [TestCase("prod_1")]
    [TestCase("search")]
    [TestCase("' or 1=1 --")]
    [Description("CAT-01, X-08")]
    public async Task GetProduct_Unknown_FailsWithNotFound(string productId) =>
        Assert.That(
            await Failure.OfAsync(() => Mesh.GetAsync(productId)),
            Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
        );

    [Test, Description("CAT-03")]
    public async Task GetProduct_Draft_IsSeenByItsSellerAndModeratorsOnly()
    {
        var seller = TestCaller.Seller();
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);

        var unseen = new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND");
        Assert.That(await Failure.OfAsync(() => Mesh.GetAsync(draft.ProductId)), Is.EqualTo(unseen));
        Assert.That(
            await Failure.OfAsync(() => Mesh.GetAsync(draft.ProductId, TestCaller.Seller())),
            Is.EqualTo(unseen)
        );
        Assert.That((await Mesh.GetAsync(draft.ProductId, seller)).Status, Is.EqualTo(ProductStatus.Draft));
        var moderated = await Mesh.Moderator.GetProductAsync(
            new GetProductRequest { ProductId = draft.ProductId }
        );
        Assert.That(moderated, Is.EqualTo(draft));
    }

    [Test, Description("CAT-01")]
    public async Task GetProduct_OfACategory_ShowsOthersOfIt()
    {
        var first = Samples.Phone();
        var created = await Mesh.ActiveAsync(first);
        var others = new List<Product>();
        for (var i = 0; i < 7; i++)
        {
            var other = Samples.Phone();
            other.Category.Clear();
            other.Category.Add(first.Category);
            others.Add(await Mesh.ActiveAsync(other));
        }

        var product = await Mesh.GetAsync(created.ProductId);

        // All were listed at the same standing instant: the newest are those of the highest ids.
        Assert.That(
            product.RelatedProducts.Select(related => related.ProductId),
            Is.EqualTo(others.Select(other => other.ProductId).OrderDescending().Take(6))
        );
        Assert.That(
            product.RelatedProducts[0],
            Is.EqualTo(
                new RelatedProduct
                {
                    ProductId = others.Max(other => other.ProductId),
                    Name = "Smartphone X",
                    Price = Samples.Usd(99_999),
                    ImageUrl = "https://images.example/phone.jpg",
                }
            )
        );
    }

    [Test, Description("CAT-03")]
    public async Task CreateProduct_BySeller_IsADraftOfTheCaller()
    {
        var seller = TestCaller.Seller();
        var product = Samples.Phone();
        product.SellerId = TestCaller.Seller().UserId;
        product.Status = ProductStatus.Active;
        product.ProductId = "prod_0198c1d2000070008000000000000000";
        product.Rating = new Rating { Average = 5, Count = 1000 };

        var created = await Mesh.DraftAsync(product, seller);

        Assert.Multiple(() =>
        {
            Assert.That(created.SellerId, Is.EqualTo(seller.UserId));
            Assert.That(created.Status, Is.EqualTo(ProductStatus.Draft));
            Assert.That(created.ProductId, Does.Match("^prod_[0-9a-f]{32}$").And.Not.Contain("0198c1d2"));
            Assert.That(created.Rating, Is.EqualTo(new Rating()));
            Assert.That(created.Etag, Is.EqualTo("v1"));
        });
    }

    [Test, Description("CAT-03")]
    public async Task CreateProduct_ByABuyer_FailsWithRoleRequired() =>
        Assert.That(
            await Failure.OfAsync(() => Mesh.DraftAsync(Samples.Phone(), TestCaller.Buyer())),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );

    [Test, Description("CAT-03")]
    public async Task CreateProduct_SkuOfAnother_FailsWithSkuTaken()
    {
        var sku = Samples.Unique("TAKEN");
        await Mesh.DraftAsync(Samples.Phone(sku));

        var second = Samples.Phone();
        second.Variants.Add(new Variant { Sku = sku });
        var failure = await Failure.OfAsync(() => Mesh.DraftAsync(second));

        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.AlreadyExists, "SKU_TAKEN")));
        Assert.That(failure.Metadata["sku"], Is.EqualTo(sku));
    }

    [Test, Description("X-09")]
    public async Task CreateProduct_SameRequestId_AnswersTheSameProduct()
    {
        var seller = Mesh.As(TestCaller.Seller());
        var request = new CreateProductRequest
        {
            RequestId = Guid.CreateVersion7().ToString(),
            Product = Samples.Phone(),
        };

        var replies = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(_ => seller.CreateProductAsync(request).ResponseAsync)
        );

        Assert.That(replies.Distinct().ToList(), Has.Count.EqualTo(1));
        Assert.That(await seller.CreateProductAsync(request), Is.EqualTo(replies[0]));
    }

    [Test, Description("X-09")]
    public async Task CreateProduct_RequestIdOfAnotherProduct_FailsWithIdempotencyMismatch()
    {
        var seller = Mesh.As(TestCaller.Seller());
        var requestId = Guid.CreateVersion7().ToString();
        await seller.CreateProductAsync(
            new CreateProductRequest { RequestId = requestId, Product = Samples.Phone() }
        );

        var failure = await Failure.OfAsync(() =>
            seller.CreateProductAsync(
                new CreateProductRequest { RequestId = requestId, Product = Samples.Phone() }
            )
        );

        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH")));
    }

    [Test, Description("CAT-04, X-17")]
    public async Task UpdateProduct_ByItsSeller_ReplacesTheContentAtOnce()
    {
        var seller = TestCaller.Seller();
        var active = await Mesh.ActiveAsync(Samples.Phone(), seller);
        await Mesh.GetAsync(active.ProductId);
        var changed = active.Clone();
        changed.Name = "Smartphone X Pro";
        changed.Price = Samples.Price("1099");
        changed.Specifications.Clear();
        changed.Status = ProductStatus.Draft;

        var updated = await UpdateAsync(seller, changed, active.Etag);

        var expected = active.Clone();
        expected.Name = "Smartphone X Pro";
        expected.Price.Amount = expected.Price.DiscountedAmount = Samples.Usd(109_900);
        expected.Specifications.Clear();
        expected.Etag = "v3";
        Assert.That(updated, Is.EqualTo(expected));
        Assert.That(await Mesh.GetAsync(active.ProductId), Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase("v1")]
    [TestCase("nonsense")]
    [Description("CAT-04, X-20")]
    public async Task UpdateProduct_NotTheCurrentEtag_FailsWithVersionConflict(string etag)
    {
        var seller = TestCaller.Seller();
        var active = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var changed = active.Clone();
        changed.Etag = "";

        var failure = await Failure.OfAsync(() => UpdateAsync(seller, changed, etag));

        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "VERSION_CONFLICT")));
        Assert.That(failure.Metadata["etag"], Is.EqualTo("v2"));
    }

    [TestCase("v1")]
    [TestCase("\"v1\"")]
    [TestCase("W/\"v1\"")]
    public async Task UpdateProduct_EtagAsHttpWritesIt_IsTaken(string etag)
    {
        var seller = TestCaller.Seller();
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);
        Assert.That((await UpdateAsync(seller, draft, etag)).Etag, Is.EqualTo("v2"));
    }

    [Test, Description("X-20")]
    public async Task UpdateProduct_TenAtOnce_OneWins()
    {
        var seller = TestCaller.Seller();
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(i => TryRenameAsync(seller, draft, $"Smartphone {i}"))
        );

        Assert.That(outcomes.Count(reason => reason == "VERSION_CONFLICT"), Is.EqualTo(9));
        var stored = await Mesh.GetAsync(draft.ProductId, seller);
        Assert.That(stored.Etag, Is.EqualTo("v2"));
        Assert.That(outcomes, Does.Contain(stored.Name));
    }

    [Test, Description("CAT-04")]
    public async Task UpdateProduct_OfAnotherSeller_FailsWithNotFound()
    {
        var active = await Mesh.ActiveAsync(Samples.Phone());
        Assert.That(
            await Failure.OfAsync(() => UpdateAsync(TestCaller.Seller(), active, active.Etag)),
            Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
        );
    }

    [Test, Description("CAT-05")]
    public async Task DeleteProduct_ByItsSeller_TakesItOffSaleForGood()
    {
        var seller = TestCaller.Seller();
        var active = await Mesh.ActiveAsync(Samples.Phone(), seller);
        await Mesh.GetAsync(active.ProductId);
        var request = new DeleteProductRequest { ProductId = active.ProductId };

        await Mesh.As(seller).DeleteProductAsync(request);
        await Mesh.As(seller).DeleteProductAsync(request);

        var gone = new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND");
        Assert.That(await Failure.OfAsync(() => Mesh.GetAsync(active.ProductId)), Is.EqualTo(gone));
        Assert.That(await Failure.OfAsync(() => Mesh.GetAsync(active.ProductId, seller)), Is.EqualTo(gone));
        Assert.That(await Failure.OfAsync(() => UpdateAsync(seller, active, "v3")), Is.EqualTo(gone));
        var seen = await Mesh.GetAsync(active.ProductId, TestCaller.Operator());
        Assert.That((seen.Status, seen.Etag), Is.EqualTo((ProductStatus.Deleted, "v3")));
        // Its stock and its orders still go by the SKU.
        Assert.That(
            (await Failure.OfAsync(() => Mesh.DraftAsync(Samples.Phone(active.Variants[0].Sku)))).Reason,
            Is.EqualTo("SKU_TAKEN")
        );
    }

    [Test, Description("CAT-05")]
    public async Task DeleteProduct_OfAnotherSeller_IsForOperators()
    {
        var active = await Mesh.ActiveAsync(Samples.Phone());
        var request = new DeleteProductRequest { ProductId = active.ProductId };

        Assert.That(
            await Failure.OfAsync(() => Mesh.As(TestCaller.Seller()).DeleteProductAsync(request)),
            Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
        );
        await Mesh.As(TestCaller.Operator()).DeleteProductAsync(request);
        Assert.That(
            (await Failure.OfAsync(() => Mesh.GetAsync(active.ProductId))).Code,
            Is.EqualTo(StatusCode.NotFound)
        );
    }

    [Test, Description("CAT-03")]
    public async Task ApproveProduct_Draft_PutsItOnSaleOnce()
    {
        var draft = await Mesh.DraftAsync(Samples.Phone());
        var request = new ApproveProductRequest { ProductId = draft.ProductId };

        var approved = await Mesh.Moderator.ApproveProductAsync(request);
        var again = await Mesh.Moderator.ApproveProductAsync(request);

        Assert.That((approved.Status, approved.Etag), Is.EqualTo((ProductStatus.Active, "v2")));
        Assert.That(again, Is.EqualTo(approved));
    }

    [Test, Description("CAT-03")]
    public async Task ApproveProduct_DeletedOrUnknown_FailsWithNotFound()
    {
        var seller = TestCaller.Seller();
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);
        await Mesh.As(seller).DeleteProductAsync(new DeleteProductRequest { ProductId = draft.ProductId });

        foreach (var id in new[] { draft.ProductId, "prod_0198c1d2000070008000000000000000" })
        {
            var failure = await Failure.OfAsync(() =>
                Mesh.Moderator.ApproveProductAsync(new ApproveProductRequest { ProductId = id })
            );
            Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")));
        }
    }

    [Test]
    public async Task ApproveProduct_ByItsSeller_FailsWithRoleRequired()
    {
        var seller = TestCaller.Seller();
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);
        Assert.That(
            await Failure.OfAsync(() =>
                Mesh.As(seller).ApproveProductAsync(new ApproveProductRequest { ProductId = draft.ProductId })
            ),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );
    }

    [Test, Description("CAT-10")]
    public async Task CreateProduct_ThousandVariants_LoadsThemAll()
    {
        var product = Samples.Phone();
        var prefix = Samples.Unique("V");
        product.Variants.Clear();
        for (var i = 0; i < 1000; i++)
        {
            product.Variants.Add(
                new Variant { Sku = $"{prefix}-{i}", Price = Samples.Usd(100 + i) }.With("size", $"{i}")
            );
        }

        var active = await Mesh.ActiveAsync(product);

        var loaded = await Mesh.GetAsync(active.ProductId);
        Assert.That(
            loaded.Variants.Select(variant => (variant.Sku, variant.Price.MinorUnits)),
            Is.EqualTo(Enumerable.Range(0, 1000).Select(i => ($"{prefix}-{i}", 100L + i)))
        );
    }

    internal static async Task<Product> UpdateAsync(TestCaller seller, Product product, string etag) =>
        await Mesh.As(seller).UpdateProductAsync(product.ToUpdate(etag));

    private static async Task<string> TryRenameAsync(TestCaller seller, Product product, string name)
    {
        var renamed = product.Clone();
        renamed.Name = name;
        try
        {
            return (await UpdateAsync(seller, renamed, product.Etag)).Name;
        }
        catch (RpcException e)
        {
            return Souk.Shared.Fault.ReasonOf(e);
        }
    }
}
