using Grpc.Core;
using Souk.Catalog.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

[Parallelizable(ParallelScope.All)]
internal sealed class ListsTests
{
    private static CatalogMesh Mesh => SharedCatalog.Mesh;

    [Test, Description("CAT-02, CAT-09")]
    public async Task ListProducts_ByCategory_FindsWhatIsUnderIt()
    {
        var product = await Mesh.ActiveAsync(Samples.Phone());
        var root = product.Category[0];

        foreach (
            var path in new[]
            {
                root,
                root.ToUpperInvariant(),
                $"{root}/mobile phones",
                $"/{root}/Mobile Phones/Smartphones/",
            }
        )
        {
            var found = await ListAsync(new ListProductsRequest { Category = path });
            Assert.That(found.Products, Is.EqualTo(new[] { product }), path);
        }
    }

    [Test, Description("CAT-09")]
    public async Task ListProducts_PartOfACategorysName_FindsNothing()
    {
        var product = await Mesh.ActiveAsync(Samples.Phone());
        foreach (
            var path in new[] { product.Category[0][..^1], $"{product.Category[0]}/Mobile", "Smartphones%" }
        )
        {
            var found = await ListAsync(new ListProductsRequest { Category = path });
            Assert.That(found, Is.EqualTo(new ListProductsResponse()), path);
        }
    }

    [Test, Description("CAT-02")]
    public async Task ListProducts_ByBrandAndSeller_AllHaveToMatch()
    {
        var seller = TestCaller.Seller();
        var first = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var sister = Samples.Phone();
        sister.Brand = first.Brand;
        var second = await Mesh.ActiveAsync(sister);

        async Task<IEnumerable<string>> Ids(ListProductsRequest request) =>
            (await ListAsync(request)).Products.Select(product => product.ProductId);

        Assert.That(
            await Ids(new ListProductsRequest { Brand = first.Brand.ToLowerInvariant() }),
            Is.EquivalentTo(new[] { first.ProductId, second.ProductId })
        );
        Assert.That(
            await Ids(new ListProductsRequest { Brand = first.Brand, SellerId = seller.UserId }),
            Is.EqualTo(new[] { first.ProductId })
        );
        Assert.That(
            await Ids(new ListProductsRequest { SellerId = seller.UserId }),
            Is.EqualTo(new[] { first.ProductId })
        );
        Assert.That(
            await Ids(new ListProductsRequest { Brand = first.Brand, Category = second.Category[0] }),
            Is.EqualTo(new[] { second.ProductId })
        );
        Assert.That(await Ids(new ListProductsRequest { Brand = first.Brand[..^1] }), Is.Empty);
    }

    [Test, Description("CAT-02")]
    public async Task ListProducts_PageByPage_ListsEachOnceInAStableOrder()
    {
        var (category, ids) = await SevenAsync();
        var seen = new List<string>();
        var sizes = new List<int>();
        var request = new ListProductsRequest { Category = category, Limit = 3 };
        do
        {
            var page = await ListAsync(request);
            sizes.Add(page.Products.Count);
            seen.AddRange(page.Products.Select(product => product.ProductId));
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        Assert.That(sizes, Is.EqualTo(new[] { 3, 3, 1 }));
        Assert.That(seen, Is.EqualTo(ids.OrderDescending()));
        Assert.That(await NumberedAsync(category, 1, 3), Is.EqualTo(seen.Take(3)));
        Assert.That(await NumberedAsync(category, 3, 3), Is.EqualTo(seen.Skip(6)));
        Assert.That(await NumberedAsync(category, 4, 3), Is.Empty);
        Assert.That(await NumberedAsync(category, 0, 0), Is.EqualTo(seen));
    }

    [Test, Description("CAT-02")]
    public async Task ListProducts_TokenOfAnotherFilter_FailsWithPageTokenInvalid()
    {
        var (category, _) = await SevenAsync();
        var page = await ListAsync(new ListProductsRequest { Category = category, PageSize = 1 });

        var invalid = new Failure(StatusCode.InvalidArgument, "PAGE_TOKEN_INVALID");
        foreach (
            var request in new[]
            {
                new ListProductsRequest { PageToken = page.NextPageToken },
                new ListProductsRequest { Category = category, PageToken = page.NextPageToken + "A" },
                new ListProductsRequest { Category = category, PageToken = "garbage!" },
            }
        )
            Assert.That(await Failure.OfAsync(() => ListAsync(request)), Is.EqualTo(invalid));
    }

    [Test, Description("X-08")]
    public async Task ListProducts_BadPaging_NamesTheField()
    {
        var cases = new (ListProductsRequest Request, string Field)[]
        {
            (new ListProductsRequest { PageSize = -1 }, "page_size"),
            (new ListProductsRequest { Limit = -1 }, "limit"),
            (new ListProductsRequest { Limit = 2, PageSize = 3 }, "limit"),
            (new ListProductsRequest { Page = -1 }, "page"),
            (new ListProductsRequest { Page = 1001 }, "page"),
            (new ListProductsRequest { Page = 2, PageToken = "x" }, "page_token"),
            (new ListProductsRequest { SellerId = "me" }, "seller_id"),
            (new ListProductsRequest { Category = new string('x', 801) }, "category"),
        };
        foreach (var (request, field) in cases)
        {
            var failure = await Failure.OfAsync(() => ListAsync(request));
            Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument), field);
            Assert.That(failure.Fields, Is.EqualTo(new[] { field }));
        }
    }

    [Test, Description("CAT-02, CAT-10")]
    public async Task ListProducts_LargeDocuments_EndsAPageBeforeItIsTooLarge()
    {
        var category = Samples.Unique("Large");
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            var product = Samples.Phone();
            product.Category.Clear();
            product.Category.Add(category);
            for (var j = 0; j < 900; j++)
            {
                var variant = new Variant { Sku = Samples.Unique("L") };
                for (var k = 0; k < 8; k++)
                    variant.Attributes[$"{k}"] = $"{j}".PadLeft(100, 'x');
                product.Variants.Add(variant);
            }
            ids.Add((await Mesh.ActiveAsync(product)).ProductId);
        }

        var first = await ListAsync(new ListProductsRequest { Category = category });
        var second = await ListAsync(
            new ListProductsRequest { Category = category, PageToken = first.NextPageToken }
        );

        Assert.That((first.Products.Count, second.Products.Count), Is.EqualTo((3, 1)));
        Assert.That(
            first.Products.Concat(second.Products).Select(product => product.ProductId),
            Is.EqualTo(ids.OrderDescending())
        );
        Assert.That(second.NextPageToken, Is.Empty);
    }

    [Test, Description("CAT-05, X-17")]
    public async Task ListProducts_DeletedOrMovedProduct_FollowsTheDocument()
    {
        var seller = TestCaller.Seller();
        var product = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var (before, after) = (product.Category[0], Samples.Unique("Elsewhere"));
        product.Category[0] = after;

        var moved = await ProductsTests.UpdateAsync(seller, product, product.Etag);
        await Mesh.ListedAsync(moved);
        Assert.That((await ListAsync(new ListProductsRequest { Category = before })).Products, Is.Empty);
        Assert.That(
            (await ListAsync(new ListProductsRequest { Category = after })).Products,
            Is.EqualTo(new[] { moved })
        );

        await Mesh.As(seller).DeleteProductAsync(new DeleteProductRequest { ProductId = product.ProductId });
        await Eventually.ThatAsync(async () =>
            (await ListAsync(new ListProductsRequest { Category = after })).Products.Count == 0
        );
        Assert.That((await ListAsync(new ListProductsRequest { Brand = product.Brand })).Products, Is.Empty);
    }

    [Test, Description("X-15, CAT-03")]
    public async Task ListSellerProducts_AnyStatusButDeleted_AreTheCallersOwn()
    {
        var seller = TestCaller.Seller();
        var active = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);
        var deleted = await Mesh.DraftAsync(Samples.Phone(), seller);
        await Mesh.As(seller).DeleteProductAsync(new DeleteProductRequest { ProductId = deleted.ProductId });
        await Mesh.ListedAsync(draft);
        deleted.Etag = "v2";
        await Mesh.ListedAsync(deleted);

        async Task<IEnumerable<Product>> Own(ProductStatus status) =>
            (
                await Mesh.As(seller)
                    .ListSellerProductsAsync(new ListSellerProductsRequest { Status = status })
            ).Products;

        Assert.That(await Own(ProductStatus.Unspecified), Is.EquivalentTo(new[] { draft, active }));
        Assert.That(await Own(ProductStatus.Draft), Is.EqualTo(new[] { draft }));
        Assert.That(await Own(ProductStatus.Active), Is.EqualTo(new[] { active }));
        var other = await Mesh.As(TestCaller.Seller())
            .ListSellerProductsAsync(new ListSellerProductsRequest());
        Assert.That(other, Is.EqualTo(new ListProductsResponse()));
    }

    [Test]
    public async Task ListSellerProducts_StatusDeleted_FailsWithInvalidField() =>
        Assert.That(
            await Failure.OfAsync(() =>
                Mesh.As(TestCaller.Seller())
                    .ListSellerProductsAsync(new ListSellerProductsRequest { Status = ProductStatus.Deleted })
            ),
            Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD"))
        );

    [Test, Description("CAT-09")]
    public async Task ListCategories_OfANode_CountsWhatIsAtOrUnderEachChild()
    {
        var product = await Mesh.ActiveAsync(Samples.Phone());
        var root = product.Category[0];
        var camera = Samples.Phone();
        camera.Category.Clear();
        camera.Category.Add([root, "Cameras"]);
        await Mesh.ActiveAsync(camera);
        var tablet = Samples.Phone();
        tablet.Category.Clear();
        tablet.Category.Add([root.ToUpperInvariant(), "mobile phones", "Phablets"]);
        await Mesh.ActiveAsync(tablet);

        async Task<IEnumerable<(string, int)>> Children(string parent) =>
            (
                await Mesh.Anybody.ListCategoriesAsync(new ListCategoriesRequest { Parent = parent })
            ).Categories.Select(category => (category.Name.ToLowerInvariant(), category.ProductCount));

        Assert.That(await Children(root), Is.EqualTo(new[] { ("cameras", 1), ("mobile phones", 2) }));
        Assert.That(
            await Children($"{root}/Mobile Phones"),
            Is.EqualTo(new[] { ("phablets", 1), ("smartphones", 1) })
        );
        Assert.That(await Children($"{root}/Cameras"), Is.Empty);
    }

    private static async Task<ListProductsResponse> ListAsync(ListProductsRequest request) =>
        await Mesh.Anybody.ListProductsAsync(request);

    private static async Task<IEnumerable<string>> NumberedAsync(string category, int page, int limit) =>
        (
            await ListAsync(
                new ListProductsRequest
                {
                    Category = category,
                    Page = page,
                    Limit = limit,
                }
            )
        ).Products.Select(product => product.ProductId);

    private static async Task<(string Category, List<string> Ids)> SevenAsync()
    {
        var category = Samples.Unique("Seven");
        var ids = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            var product = Samples.Phone();
            product.Category.Clear();
            product.Category.Add(category);
            ids.Add((await Mesh.ActiveAsync(product)).ProductId);
        }
        return (category, ids);
    }
}
