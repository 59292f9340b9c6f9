using Grpc.Core;
using Npgsql;
using Souk.Catalog.V1;

namespace Souk.Catalog;

internal sealed partial class CatalogService
{
    private const int PageNumberMax = 1000;

    // Of a page's products so many bytes fit into one message; the rest moves to the next page.
    private const int PageBytesMax = 2 * 1024 * 1024;

    // Sorts before every row, so that the first page is a range of the index like any other.
    private static readonly DateTimeOffset Newest = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid Highest = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    /// <inheritdoc />
    public override async Task<ListProductsResponse> ListProducts(
        ListProductsRequest request,
        ServerCallContext context
    )
    {
        var category = CategoryPath.Key(request.Category);
        var brand = request.Brand.ToLowerInvariant();
        Guid? seller =
            request.SellerId.Length == 0 ? null : Ids.ParseField("user", request.SellerId, "seller_id");
        var page = pages.Open(
            nameof(ListProducts),
            PageSizeOf(request),
            request.PageToken,
            category,
            brand,
            seller
        );
        object?[] range = [.. KeysOf(page), page.Limit, PageBytesMax, OffsetOf(request, page.Size)];
        // The filter that leaves the fewest rows leads; those behind it are checked row by row.
        var (sql, filter) = (brand, seller, category) switch
        {
            ({ Length: > 0 }, _, _) => (
                ListProductsByBrandSql,
                (object?[])[brand, seller, category.Length == 0 ? null : category]
            ),
            (_, not null, _) => (ListProductsBySellerSql, [seller, category.Length == 0 ? null : category]),
            (_, _, { Length: > 0 }) => (ListProductsByCategorySql, [category]),
            _ => (ListProductsSql, []),
        };
        return await ListAsync(sql, [.. range, .. filter], page, context.CancellationToken);
    }

    private const string ListProductsSql = $"""
        with page as (
          select product_id, created_at, card
            from listing
           where status = 'active' and (created_at, product_id) < ($1, $2)
           order by created_at desc, product_id desc
           limit $3 offset $5
        )
        {FittingRows}
        """;

    private const string ListProductsByCategorySql = $"""
        with page as (
          select node.product_id, node.created_at, card
            from listing_category as node
            join listing on listing.product_id = node.product_id
           where path_key = $6 and (node.created_at, node.product_id) < ($1, $2)
           order by node.created_at desc, node.product_id desc
           limit $3 offset $5
        )
        {FittingRows}
        """;

    private const string ListProductsByBrandSql = $"""
        with page as (
          select product_id, created_at, card
            from listing
           where status = 'active' and brand_key = $6 and (created_at, product_id) < ($1, $2)
             and ($7::uuid is null or seller_id = $7)
             and ($8::text is null or exists (
                   select from listing_category as node
                    where node.product_id = listing.product_id and node.path_key = $8))
           order by created_at desc, product_id desc
           limit $3 offset $5
        )
        {FittingRows}
        """;

    private const string ListProductsBySellerSql = $"""
        with page as (
          select product_id, created_at, card
            from listing
           where status = 'active' and seller_id = $6 and (created_at, product_id) < ($1, $2)
             and ($7::text is null or exists (
                   select from listing_category as node
                    where node.product_id = listing.product_id and node.path_key = $7))
           order by created_at desc, product_id desc
           limit $3 offset $5
        )
        {FittingRows}
        """;

    /// <inheritdoc />
    public override async Task<ListProductsResponse> ListSellerProducts(
        ListSellerProductsRequest request,
        ServerCallContext context
    )
    {
        var statuses = request.Status switch
        {
            ProductStatus.Unspecified => (ProductStatus[])[ProductStatus.Draft, ProductStatus.Active],
            ProductStatus.Draft or ProductStatus.Active => [request.Status],
            _ => throw Fault.InvalidArgument("status", "must be draft or active"),
        };
        var seller = Caller.Of(context).UserGuid;
        var page = pages.Open(
            nameof(ListSellerProducts),
            request.PageSize,
            request.PageToken,
            seller,
            request.Status
        );
        object?[] args =
        [
            .. KeysOf(page),
            page.Limit,
            PageBytesMax,
            seller,
            statuses.Select(Listing.StatusText).ToArray(),
        ];
        return await ListAsync(ListSellerProductsSql, args, page, context.CancellationToken);
    }

    private const string ListSellerProductsSql = $"""
        with page as (
          select product_id, created_at, card
            from listing
           where status <> 'deleted' and seller_id = $5 and status = any($6)
             and (created_at, product_id) < ($1, $2)
           order by created_at desc, product_id desc
           limit $3
        )
        {FittingRows}
        """;

    // The size of a stored card is known without reading it. The first row always fits.
    private const string FittingRows = """
        select product_id, created_at, card, row_count
          from (select product_id, created_at, card, count(*) over () as row_count,
                       sum(octet_length(card)) over (order by created_at desc, product_id desc)
                         - octet_length(card) as bytes_before
                  from page) as sized
         where bytes_before < $4
         order by created_at desc, product_id desc
        """;

    private async Task<ListProductsResponse> ListAsync(
        string sql,
        object?[] args,
        Page page,
        CancellationToken token
    )
    {
        var rows = await db.ListAsync(sql, args, ReadRow, token);
        var response = new ListProductsResponse
        {
            NextPageToken =
                rows.Count > 0 && rows.Count < rows[0].RowCount
                    ? page.After(rows[^1].Keys)
                    : page.Next(rows, row => row.Keys),
        };
        response.Products.Add(rows.Select(row => editor.Shown(row.Card)));
        return response;
    }

    private static ListedRow ReadRow(NpgsqlDataReader row) =>
        new(
            [row.Instant(1), row.GetGuid(0)],
            ProductDocument.Parser.ParseFrom(row.GetFieldValue<byte[]>(2)),
            row.GetInt64(3)
        );

    private static object?[] KeysOf(Page page) =>
        [page.After<DateTimeOffset>(0) ?? Newest, page.After<Guid>(1) ?? Highest];

    private static int PageSizeOf(ListProductsRequest request)
    {
        if (request.Limit < 0)
            throw Fault.InvalidArgument("limit", "must not be negative");
        if (request.PageSize != 0 && request.Limit != 0 && request.PageSize != request.Limit)
            throw Fault.InvalidArgument("limit", "must be the same as page_size where both are given");
        return request.PageSize != 0 ? request.PageSize : request.Limit;
    }

    private static int OffsetOf(ListProductsRequest request, int size)
    {
        if (request.Page is < 0 or > PageNumberMax)
            throw Fault.InvalidArgument("page", $"must be from 1 to {PageNumberMax}");
        if (request.Page > 0 && request.PageToken.Length > 0)
            throw Fault.InvalidArgument("page", "must not be given together with page_token");
        return Math.Max(0, request.Page - 1) * size;
    }

    /// <summary>A row of a page, and how many the page would have if it were not for their size.</summary>
    private readonly record struct ListedRow(object?[] Keys, ProductDocument Card, long RowCount);
}
